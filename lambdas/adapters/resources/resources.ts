/**
 * Stores of the resources that people configure: projects with templates, inventories, repositories, keys and
 * environments.
 */
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
import type { Searched } from '../../core/mentions.ts';
import type { EnvironmentSecrets } from '../../core/resources/kept-secrets.ts';
import { readSshKey } from '../../core/secrets/ssh-key.ts';
import type { Condition } from '../expressions.ts';
import type { NewId } from '../ids.ts';
import { type PageAsked, readPage, type StoredPage } from '../pages.ts';
import { recordsOf } from '../records.ts';
import { type Item, type Key, keys, queryAll, type Table } from '../table.ts';
import { type NamedKind, nameStore } from './names.ts';
import {
  atVersion,
  ChangedMeanwhile,
  checkUnchanged,
  nextVersion,
  referenceChecks,
  untilUnchanged,
  type Version,
  versionOf,
} from './versions.ts';

interface Named {
  readonly name: string;
}

/** Attributes of every resource. */
interface Identified extends Omit<Searched, 'id' | 'name'>, Named {
  readonly id: string;
  readonly createdAt: string;
}

/** Preconditions of a save: the version that was read, and the references of the input. */
export interface Basis {
  /** Version of the replaced item. */
  readonly version?: Version;
  /** Ids that must exist in the project at the time of the write. */
  readonly refersTo: readonly string[];
}

/**
 * Store of one kind of resource in a project. `create` and `replace` throw NameTaken when another resource
 * has the name. These and `remove` throw ChangedMeanwhile when another save or removal came first; nothing is
 * changed then.
 */
export interface ResourceStore<Input, Output extends Identified> {
  /** Creates a resource. `editedBy`: id of the person who saves it. */
  create(projectId: ProjectId, input: Input, editedBy?: string, basis?: Basis): Promise<Output>;
  get(projectId: ProjectId, id: string): Promise<Output | undefined>;
  /** Finds a resource and its version. A replacement fails if the version changes after this read. */
  find(
    projectId: ProjectId,
    id: string,
  ): Promise<{ readonly shown: Output; readonly version: Version } | undefined>;
  /** Lists resources, oldest first, all of them: for checks before a change, and not for an answer. */
  list(projectId: ProjectId): Promise<Output[]>;
  /** Reads a page of them, oldest first. */
  page(projectId: ProjectId, asked: PageAsked<Searched>): Promise<StoredPage<Output>>;
  /** Replaces all but the id and the creation time. Undefined when the resource doesn't exist. */
  replace(
    projectId: ProjectId,
    id: string,
    input: Input,
    editedBy?: string,
    basis?: Basis,
  ): Promise<Output | undefined>;
  /**
   * Removes a resource; false when it doesn't exist. `checkUnused` throws when another item refers to it, and
   * it stays. No new reference can be made during that check.
   */
  remove(projectId: ProjectId, id: string, checkUnused?: () => Promise<void>): Promise<boolean>;
}

interface Kind<Input, Stored, Output extends Identified> {
  readonly prefix: NamedKind;
  /** Stored attributes of the input, without ids and times. */
  readonly attributes: (input: Input) => Item;
  readonly schema: z.ZodType<Stored>;
  /** Returns the public part of the record: never a secret. */
  readonly show: (record: Stored) => Output;
}

interface Deps {
  readonly now: Clock;
  readonly newId: NewId;
}

const by = (editedBy: string | undefined, editedAt: Instant) =>
  editedBy === undefined ? {} : { editedBy, editedAt };

/** Last person who saved an item, and the time; absent on items of version 0.1.0. */
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
  const find = async (projectId: ProjectId, id: string) => {
    const item = await table.get(keys.resource(projectId, id));
    return item && { shown: kind.show(records.read(item)), version: versionOf(item) };
  };
  return {
    get: async (projectId, id) => (await find(projectId, id))?.shown,
    find,

    create: async (projectId, input, editedBy, { refersTo } = { refersTo: [] }) => {
      const id = newId(kind.prefix);
      const own = { ...keys.resource(projectId, id), id, projectId, createdAt: now(), version: 1 };
      const item = { ...kind.attributes(input), ...by(editedBy, now()), ...own };
      records.checkItem(item);
      const failed = await names.save(projectId, kind.prefix, { id, name: input.name }, [
        { put: item, conditions: [['missing', 'pk']] },
        ...referenceChecks(projectId, refersTo, now),
      ]);
      checkUnchanged(failed);
      return kind.show(records.read(item));
    },

    list: async (projectId) =>
      records.readAll(await queryAll(table, { pk: projectId, prefix: `${kind.prefix}_` })).map(kind.show),

    page: (projectId, asked) =>
      readPage(
        table,
        { pk: projectId, prefix: `${kind.prefix}_` },
        (items) => records.readAll(items).map(kind.show),
        asked,
      ),

    replace: async (projectId, id, input, editedBy, basis) => {
      const found = await find(projectId, id);
      if (!found) return undefined;
      const { shown, version } = found;
      if (basis && basis.version !== version) throw new ChangedMeanwhile();
      const own = {
        ...keys.resource(projectId, id),
        id,
        projectId,
        createdAt: shown.createdAt,
        version: nextVersion(version),
      };
      const item = { ...kind.attributes(input), ...by(editedBy, now()), ...own };
      records.checkItem(item);
      const naming = { id, name: input.name, before: shown.name };
      const failed = await names.save(projectId, kind.prefix, naming, [
        { put: item, conditions: atVersion(version) },
        ...referenceChecks(projectId, basis?.refersTo ?? [], now),
      ]);
      checkUnchanged(failed);
      return kind.show(records.read(item));
    },

    remove: async (projectId, id, checkUnused = async () => {}) => {
      const key = keys.resource(projectId, id);
      const removingSince = now();
      // Reads the raw item: an unreadable one must be removable, too.
      const marked = await table.update(key, { set: { removingSince } }, [['exists', 'pk']]);
      if (!marked) return false;
      const isMine: Condition = ['=', 'removingSince', removingSince];
      try {
        await checkUnused();
      } catch (error) {
        await table.update(key, { unset: ['removingSince'] }, [isMine]);
        throw error;
      }
      const freed =
        typeof marked.name === 'string' ? await names.freeing(projectId, kind.prefix, marked.name, id) : [];
      const conditions = [...atVersion(versionOf(marked)), isMine];
      checkUnchanged(await table.transact([{ remove: key, conditions }, ...freed]));
      return true;
    },
  };
};

const secrets = z.record(z.string(), z.string());
const storedEnvironment = environment
  .omit({ secretNames: true, secretFileNames: true })
  .extend({ secrets, secretFiles: secrets.default({}) });
const storedKey = key.omit({ login: true, knownHosts: true }).extend({ secret: keySecret });

/** Algorithm and fingerprint of an SSH key; empty where it cannot be read. */
const describedKey = (secret: KeySecret): Pick<ShownKey, 'algorithm' | 'fingerprint'> => {
  const read = secret.type === 'ssh' ? readSshKey(secret.privateKey, secret.passphrase) : undefined;
  if (!read?.ok) return {};
  const { algorithm, fingerprint } = read;
  return { algorithm, fingerprint };
};

/** Public part of a key: its login and its known hosts, and no secret. */
const shownKey = ({ secret, ...shown }: z.infer<typeof storedKey>): ShownKey => {
  const login = 'login' in secret ? secret.login : undefined;
  const knownHosts = 'knownHosts' in secret ? secret.knownHosts : undefined;
  return { ...shown, login, knownHosts };
};

/** Version 0.1.0 accepted secrets among the arguments of a backend. */
const shownTemplate = ({ terraform, ...record }: Template): Template => {
  const backendConfig = terraform?.backendConfig;
  return {
    ...record,
    terraform: terraform && {
      ...terraform,
      backendConfig: backendConfig && redactedArguments(backendConfig),
    },
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
    // Version 0.1.0 accepted a login in the URL.
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
    /** Returns the secret, for a change that keeps it. */
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
    /** Returns the secrets, for a change that keeps some of them. */
    secretsOf: async (projectId: ProjectId, id: string): Promise<EnvironmentSecrets | undefined> => {
      const item = await table.get(keys.resource(projectId, id));
      return recordsOf(table, storedEnvironment).readIf(item);
    },
  },
});

/** Reads a template and its project at once. Undefined when one of them does not exist. */
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

/** Resources of the project that a task refers to. */
export interface TaskReferences {
  readonly projectId: ProjectId;
  readonly templateId: string;
  readonly inventoryId?: string;
  readonly environmentId?: string;
  readonly repositoryId?: string;
}

/**
 * Reads all that a task needs, with secrets, by at most two batch reads. Only for the encrypted payload of a
 * runner. Undefined when something that the task refers to was removed.
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
  // Not of keys: a rotated key changes nothing of the code that runs.
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

/**
 * Reads the text of a key of type `string`, which the control plane itself uses; undefined when there is
 * none.
 */
export const readKeyText = async (
  table: Table,
  projectId: ProjectId,
  id: string,
): Promise<string | undefined> => {
  const secret = await readKeySecret(table, projectId, id);
  return secret?.type === 'string' ? secret.value : undefined;
};

/** Removes a project's items by the prefix of their ids ('' for all but data keys), a page at a time. */
const removeAll = async (table: Table, projectId: ProjectId, prefix: string): Promise<void> => {
  let after: Key | undefined;
  do {
    const range = { pk: projectId, limit: 100, prefix: prefix || undefined, after };
    const { items, next } = await table.query(range);
    const ids = items.map(({ sk }) => String(sk)).filter((id) => prefix !== '' || !id.startsWith('dek_'));
    await Promise.all(ids.map((id) => table.remove(keys.resource(projectId, id))));
    after = next;
  } while (after);
};

export type ProjectStore = ReturnType<typeof projectStore>;

/** Store of projects. `create` and `replace` throw NameTaken when another project has the name. */
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
      const item = { ...keys.project(made.id), ...made, version: 1 };
      records.checkItem(item);
      const put = { put: item, conditions: [['missing', 'pk']] } as const;
      const failed = await names.save(projects, 'prj', made, [put]);
      checkUnchanged(failed);
      return made;
    },

    /** Lists projects, oldest first. */
    list: async (): Promise<Project[]> =>
      records.readAll(await queryAll(table, { pk: 'projects', prefix: 'prj_' })),

    replace: (id: ProjectId, input: ProjectInput): Promise<Project | undefined> =>
      untilUnchanged(async () => {
        const found = await table.get(keys.project(id));
        if (!found) return undefined;
        const before = records.read(found);
        const version = versionOf(found);
        const after: Project = { ...input, id, createdAt: before.createdAt };
        const item = { ...keys.project(id), ...after, version: nextVersion(version) };
        records.checkItem(item);
        const put = { put: item, conditions: atVersion(version) };
        const failed = await names.save(projects, 'prj', { ...after, before: before.name }, [put]);
        checkUnchanged(failed);
        return after;
      }),

    /**
     * Removes the project with all that is stored under it: secrets first, then their data keys, the project
     * itself last. A removal that was cut short can thus be repeated.
     */
    remove: async (id: ProjectId): Promise<boolean> => {
      for (const prefix of ['key_', 'env_', '', 'dek_']) await removeAll(table, id, prefix);
      return untilUnchanged(async () => {
        const before = await table.get(keys.project(id));
        if (!before) return false;
        const freed =
          typeof before.name === 'string' ? await names.freeing(projects, 'prj', before.name, id) : [];
        const removal = { remove: keys.project(id), conditions: atVersion(versionOf(before)) };
        const failed = await table.transact([removal, ...freed]);
        checkUnchanged(failed);
        return true;
      });
    },
  };
};
