/** The stores of what people configure: projects, and in each its templates, inventories, repositories, keys and environments. */
import * as z from 'zod';
import {
  type Clock,
  type EnvironmentInput,
  environment,
  type Instant,
  type Inventory,
  type InventoryInput,
  instant,
  inventory,
  type KeyId,
  type KeyInput,
  type KeySecret,
  key,
  keySecret,
  type Project,
  type ProjectId,
  type ProjectInput,
  project,
  type Repository,
  type RepositoryInput,
  redactedArguments,
  redactedUrl,
  repository,
  type Key as ShownKey,
  type Template,
  type TemplateInput,
  template,
} from '../../../protocol/index.ts';
import type { EnvironmentSecrets } from '../../core/resources/kept-secrets.ts';
import { readSshKey } from '../../core/secrets/ssh-key.ts';
import type { NewId } from '../ids.ts';
import { recordsOf } from '../records.ts';
import { type Item, type Key, keys, queryAll, type Table } from '../table.ts';
import { type NamedKind, nameStore } from './names.ts';

interface Named {
  readonly name: string;
}

/** What every one of them has. */
interface Identified extends Named {
  readonly id: string;
  readonly createdAt: string;
}

/** The store of one kind of resource in a project. `create` and `replace` throw NameTaken for a name that another one has. */
export interface ResourceStore<Input, Output extends Identified> {
  /** `editedBy`: the id of the person who saves it. */
  create(projectId: ProjectId, input: Input, editedBy?: string): Promise<Output>;
  get(projectId: ProjectId, id: string): Promise<Output | undefined>;
  /** Oldest first. */
  list(projectId: ProjectId): Promise<Output[]>;
  /** Everything but its id and the time of its making becomes what `input` says. Undefined when it doesn't exist. */
  replace(projectId: ProjectId, id: string, input: Input, editedBy?: string): Promise<Output | undefined>;
  /** Whether it was there to be removed. */
  remove(projectId: ProjectId, id: string): Promise<boolean>;
}

interface Kind<Input, Stored, Output extends Identified> {
  readonly prefix: NamedKind;
  /** What is stored of the input, beyond ids and times. */
  readonly attributes: (input: Input) => Item;
  readonly schema: z.ZodType<Stored>;
  /** What may be shown of the record: never a secret. */
  readonly show: (record: Stored) => Output;
}

interface Deps {
  readonly now: Clock;
  readonly newId: NewId;
}

const by = (editedBy: string | undefined, editedAt: Instant) =>
  editedBy === undefined ? {} : { editedBy, editedAt };

/** Who saved an item last, and when; absent on what version 0.1.0 has saved. */
const edit = z.object({ editedBy: z.string(), editedAt: instant.optional() });
export type Edit = z.infer<typeof edit>;

/** Opens the store of one kind. */
export const resourceStore = <Input extends Named, Stored, Output extends Identified>(
  table: Table,
  { now, newId }: Deps,
  kind: Kind<Input, Stored, Output>,
): ResourceStore<Input, Output> => {
  const names = nameStore(table, now);
  const records = recordsOf(table, kind.schema);
  const get = async (projectId: ProjectId, id: string): Promise<Output | undefined> => {
    const item = await table.get(keys.resource(projectId, id));
    return item && kind.show(records.read(item));
  };
  return {
    get,

    create: async (projectId, input, editedBy) => {
      const id = newId(kind.prefix);
      const own = { ...keys.resource(projectId, id), id, projectId, createdAt: now() };
      const item = { ...kind.attributes(input), ...by(editedBy, now()), ...own };
      await names.keep(projectId, kind.prefix, { id, name: input.name }, () =>
        records.put(item, [['missing', 'pk']]),
      );
      return kind.show(records.read(item));
    },

    list: async (projectId) =>
      records.readAll(await queryAll(table, { pk: projectId, prefix: `${kind.prefix}_` })).map(kind.show),

    replace: async (projectId, id, input, editedBy) => {
      const before = await get(projectId, id);
      if (!before) return undefined;
      const own = { ...keys.resource(projectId, id), id, projectId, createdAt: before.createdAt };
      const item = { ...kind.attributes(input), ...by(editedBy, now()), ...own };
      const naming = { id, name: input.name, before: before.name };
      return names.keep(projectId, kind.prefix, naming, async () =>
        (await records.put(item, [['exists', 'pk']])) ? kind.show(records.read(item)) : undefined,
      );
    },

    remove: async (projectId, id) => {
      // As it is stored: one that cannot be read is to be removed, too.
      const before = await table.get(keys.resource(projectId, id));
      const removed = await table.remove(keys.resource(projectId, id), [['exists', 'pk']]);
      if (typeof before?.name === 'string') await names.free(projectId, kind.prefix, before.name, id);
      return removed;
    },
  };
};

const secrets = z.record(z.string(), z.string());
const storedEnvironment = environment
  .omit({ secretNames: true, secretFileNames: true })
  .extend({ secrets, secretFiles: secrets.default({}) });
const storedKey = key.omit({ login: true, knownHosts: true }).extend({ secret: keySecret });

/** What people tell SSH keys apart by; nothing where it cannot be read. */
const describedKey = (secret: KeySecret): Pick<ShownKey, 'algorithm' | 'fingerprint'> => {
  const read = secret.type === 'ssh' ? readSshKey(secret.privateKey, secret.passphrase) : undefined;
  if (!read?.ok) return {};
  const { algorithm, fingerprint } = read;
  return {
    ...(algorithm !== undefined && { algorithm }),
    ...(fingerprint !== undefined && { fingerprint }),
  };
};

/** What may be shown of a key: who it signs in as and which hosts it believes, and nothing that opens anything. */
const shownKey = ({ secret, ...shown }: z.infer<typeof storedKey>): ShownKey => {
  const login = 'login' in secret ? secret.login : undefined;
  const knownHosts = 'knownHosts' in secret ? secret.knownHosts : undefined;
  return { ...shown, ...(login !== undefined && { login }), ...(knownHosts !== undefined && { knownHosts }) };
};

/** Version 0.1.0 took secrets among the arguments of a backend. */
const shownTemplate = ({ terraform, ...record }: Template): Template => {
  const backendConfig = terraform?.backendConfig;
  return {
    ...record,
    ...(terraform && {
      terraform: {
        ...terraform,
        ...(backendConfig && { backendConfig: redactedArguments(backendConfig) }),
      },
    }),
  };
};

const plain = (input: Item): Item => input;
const asItIs = <T>(record: T): T => record;

export type Resources = ReturnType<typeof resourceStores>;

/** Opens the stores of a project's resources. */
export const resourceStores = (table: Table, deps: Deps) => ({
  templates: resourceStore<TemplateInput, Template, Template>(table, deps, {
    prefix: 'tpl',
    attributes: plain,
    schema: template,
    show: shownTemplate,
  }),
  inventories: resourceStore<InventoryInput, Inventory, Inventory>(table, deps, {
    prefix: 'inv',
    attributes: plain,
    schema: inventory,
    show: asItIs,
  }),
  repositories: resourceStore<RepositoryInput, Repository, Repository>(table, deps, {
    prefix: 'rep',
    attributes: plain,
    schema: repository,
    // Version 0.1.0 took a login in the URL.
    show: (record) => ({ ...record, url: redactedUrl(record.url) }),
  }),
  keys: {
    ...resourceStore(table, deps, {
      prefix: 'key',
      attributes: ({ name, secret }: KeyInput) => ({
        name,
        type: secret.type,
        secret,
        ...describedKey(secret),
      }),
      schema: storedKey,
      show: shownKey,
    }),
    /** Only for a change that keeps it. */
    secretOf: (projectId: ProjectId, id: string) => readKeySecret(table, projectId, id),
  },
  environments: {
    ...resourceStore(table, deps, {
      prefix: 'env',
      attributes: (input: EnvironmentInput) => ({ ...input }),
      schema: storedEnvironment,
      show: ({ secrets: hidden, secretFiles, ...shown }) => ({
        ...shown,
        secretNames: Object.keys(hidden).sort(),
        secretFileNames: Object.keys(secretFiles).sort(),
      }),
    }),
    /** Only for a change that keeps some of them. */
    secretsOf: async (projectId: ProjectId, id: string): Promise<EnvironmentSecrets | undefined> => {
      const item = await table.get(keys.resource(projectId, id));
      return recordsOf(table, storedEnvironment).readIf(item);
    },
  },
});

/** A template and its project, by one read. Undefined when one of them does not exist. */
export const readForTask = async (table: Table, projectId: ProjectId, templateId: string) => {
  const found = await table.batchGet([keys.resource(projectId, templateId), keys.project(projectId)]);
  const [ofTemplate, ofProject] = [templateId, projectId].map((id) => found.find((item) => item.sk === id));
  return ofTemplate && ofProject
    ? {
        template: recordsOf(table, template).read(ofTemplate),
        project: recordsOf(table, project).read(ofProject),
      }
    : undefined;
};

/** What a task names of its project's resources. */
export interface TaskReferences {
  readonly projectId: ProjectId;
  readonly templateId: string;
  readonly inventoryId?: string | undefined;
  readonly environmentId?: string | undefined;
  readonly repositoryId?: string | undefined;
}

/**
 * All that a task needs, secrets included, by two batch reads at most. Only for what goes to a runner, encrypted.
 * Undefined when something that the task names was removed.
 */
export const readTaskParts = async (table: Table, task: TaskReferences) => {
  const { projectId, templateId, inventoryId, environmentId, repositoryId } = task;
  const readAll = async (ids: readonly (string | undefined)[]): Promise<Map<unknown, Item>> => {
    const wanted = [...new Set(ids)].filter((id) => id !== undefined);
    const found = await table.batchGet(wanted.map((id) => keys.resource(projectId, id)));
    return new Map(found.map((item) => [item.id, item]));
  };
  const optional = <T>(items: Map<unknown, Item>, id: string | undefined, schema: z.ZodType<T>) => {
    const item = items.get(id);
    return recordsOf(table, schema).readIf(item);
  };

  const items = await readAll([templateId, inventoryId, environmentId, repositoryId]);
  const found = {
    template: optional(items, templateId, template),
    inventory: optional(items, inventoryId, inventory),
    repository: optional(items, repositoryId, repository),
    environment: optional(items, environmentId, storedEnvironment),
  };
  const { vaultKeys = [], becomeKeyId } = found.template?.ansible ?? {};
  const keyIds = [
    found.inventory?.keyId,
    found.repository?.keyId,
    becomeKeyId,
    ...vaultKeys.map(({ keyId }) => keyId),
  ];
  const keyItems = await readAll(keyIds);
  const secretOf = (id: KeyId | undefined): KeySecret | undefined =>
    optional(keyItems, id, storedKey)?.secret;

  const named = [templateId, inventoryId, environmentId, repositoryId, ...keyIds];
  const isWhole = named.every((id) => id === undefined || items.has(id) || keyItems.has(id));
  if (!found.template || !isWhole) return undefined;
  // Not of keys: who rotates one changes nothing of what is run.
  const edits = [templateId, inventoryId, environmentId, repositoryId].flatMap((id) => {
    const read = edit.safeParse(items.get(id));
    return read.success ? [read.data] : [];
  });
  return {
    ...found,
    edits,
    template: found.template,
    inventoryKey: secretOf(found.inventory?.keyId),
    repositoryKey: secretOf(found.repository?.keyId),
    becomeKey: secretOf(becomeKeyId),
    vaultKeys: vaultKeys.flatMap(({ keyId, vaultId }) => {
      const key = secretOf(keyId);
      return key ? [{ vaultId, key }] : [];
    }),
  };
};

const readKeySecret = async (
  table: Table,
  projectId: ProjectId,
  id: string,
): Promise<KeySecret | undefined> => {
  const item = await table.get(keys.resource(projectId, id));
  return recordsOf(table, storedKey).readIf(item)?.secret;
};

/** The text of a key of the type `string`, for what the control plane itself has to prove; undefined when there is none. */
export const readKeyText = async (
  table: Table,
  projectId: ProjectId,
  id: string,
): Promise<string | undefined> => {
  const secret = await readKeySecret(table, projectId, id);
  return secret?.type === 'string' ? secret.value : undefined;
};

/** Removes what a project holds, by the beginning of the id ('' for all but data keys), a page at a time. */
const removeAll = async (table: Table, projectId: ProjectId, prefix: string): Promise<void> => {
  let after: Key | undefined;
  do {
    const range = { pk: projectId, limit: 100, ...(prefix && { prefix }), ...(after && { after }) };
    const { items, next } = await table.query(range);
    const ids = items.map(({ sk }) => String(sk)).filter((id) => prefix !== '' || !id.startsWith('dek_'));
    await Promise.all(ids.map((id) => table.remove(keys.resource(projectId, id))));
    after = next;
  } while (after);
};

export type ProjectStore = ReturnType<typeof projectStore>;

/** `create` and `replace` throw NameTaken for a name that another project has. */
export const projectStore = (table: Table, { now, newId }: Deps) => {
  const names = nameStore(table, now);
  const projects = keys.project('prj_').pk;
  const records = recordsOf(table, project);
  const get = async (id: ProjectId): Promise<Project | undefined> => {
    return records.readIf(await table.get(keys.project(id)));
  };
  return {
    get,

    create: async (input: ProjectInput): Promise<Project> => {
      const made: Project = { ...input, id: newId('prj'), createdAt: now() };
      await names.keep(projects, 'prj', made, () =>
        records.put({ ...keys.project(made.id), ...made }, [['missing', 'pk']]),
      );
      return made;
    },

    /** Oldest first. */
    list: async (): Promise<Project[]> =>
      records.readAll(await queryAll(table, { pk: 'projects', prefix: 'prj_' })),

    replace: async (id: ProjectId, input: ProjectInput): Promise<Project | undefined> => {
      const before = await get(id);
      if (!before) return undefined;
      const after: Project = { ...input, id, createdAt: before.createdAt };
      return names.keep(projects, 'prj', { ...after, before: before.name }, async () =>
        (await records.put({ ...keys.project(id), ...after }, [['exists', 'pk']])) ? after : undefined,
      );
    },

    /**
     * Removes the project and all that is stored under it, what is secret first, then what it is read with, and the project
     * itself last, so that a removal which was cut short can be asked for again.
     */
    remove: async (id: ProjectId): Promise<boolean> => {
      for (const prefix of ['key_', 'env_', '', 'dek_']) await removeAll(table, id, prefix);
      const before = await table.get(keys.project(id));
      const removed = await table.remove(keys.project(id), [['exists', 'pk']]);
      if (typeof before?.name === 'string') await names.free(projects, 'prj', before.name, id);
      return removed;
    },
  };
};
