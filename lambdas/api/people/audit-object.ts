/** Finds the object of a person's request: kind, id, name, and its settings as the API may show them. */
import * as z from 'zod';
import {
  type AuditObject,
  environment,
  integration,
  invitation,
  key,
  project,
  projectId as projectIdSchema,
  readTarget,
  runner,
  schedule,
  signInProviderFields,
} from '../../../protocol/index.ts';
import type { Resources } from '../../adapters/resources/resources.ts';
import type { Pool } from '../../adapters/table.ts';
import type { ApiDeps } from '../deps.ts';

export type AuditedStores = Pick<
  ApiDeps,
  | 'apiTokens'
  | 'deliveries'
  | 'integrations'
  | 'invitations'
  | 'projects'
  | 'resources'
  | 'runners'
  | 'schedules'
  | 'signInProviders'
  | 'tasks'
  | 'users'
>;

/** An object and its settings; without settings, its changes are not compared. */
export interface Audited {
  readonly object: AuditObject;
  readonly settings?: object;
}

interface Seen {
  readonly name?: string;
  readonly settings?: object;
}

type Read = (deps: AuditedStores, pool: Pool, id: string) => Promise<Seen | undefined>;

const inProject =
  (
    read: (deps: AuditedStores, projectId: Exclude<Pool, 'global'>, id: string) => Promise<Seen | undefined>,
  ): Read =>
  async (deps, pool, id) =>
    pool === 'global' ? undefined : read(deps, pool, id);

const own = { id: true, projectId: true, createdAt: true } as const;
/** Each schema leaves out secrets and fields that change by themselves. */
const settingsOf = {
  projects: project.omit({ id: true, createdAt: true }),
  integrations: integration.omit({ ...own, url: true }),
  schedules: schedule.omit({ ...own, secretNames: true, nextRuns: true, lastRun: true, pending: true }),
  runners: runner.pick({
    name: true,
    tags: true,
    maxParallelTasks: true,
    active: true,
    idleTimeoutMs: true,
    instanceId: true,
    region: true,
    webhookUrl: true,
  }),
  provider: signInProviderFields.strip().omit({ clientSecret: true }),
};

/** Settings of resources that do not show exactly what was sent. */
const resourceSettings: Readonly<Record<string, z.ZodType<object>>> = {
  environments: environment.omit(own),
  // In the form of its input, which includes the secret fields.
  keys: key.omit(own).transform(({ name, ...secret }) => ({ name, secret })),
};
/** Settings of the other resources. */
const withoutOwn = z
  .looseObject({ name: z.string() })
  .transform(({ id: _id, projectId: _project, createdAt: _at, ...settings }) => settings);

const seen = (schema: z.ZodType<object>, found: { readonly name: string } | undefined): Seen | undefined =>
  found && { name: found.name, settings: schema.parse(found) };

const isKindOf = (resources: Resources, kind: string): kind is keyof Resources =>
  Object.hasOwn(resources, kind);

const readResource = (kind: string): Read =>
  inProject(async ({ resources }, pool, id) =>
    isKindOf(resources, kind)
      ? seen(resourceSettings[kind] ?? withoutOwn, await resources[kind].get(pool, id))
      : undefined,
  );

/** Readers of what is not a resource of a project. */
const readers: Readonly<Record<string, Read>> = {
  projects: async ({ projects }, _, id) => {
    const parsed = projectIdSchema.safeParse(id);
    return parsed.success ? seen(settingsOf.projects, await projects.get(parsed.data)) : undefined;
  },
  integrations: inProject(async ({ integrations }, pool, id) =>
    seen(settingsOf.integrations, await integrations.get(pool, id)),
  ),
  schedules: inProject(async ({ schedules }, pool, id) =>
    seen(settingsOf.schedules, await schedules.get(pool, id)),
  ),
  runners: async ({ runners }, pool, id) => seen(settingsOf.runners, await runners.get(pool, id)),
  tasks: inProject(async ({ tasks }, pool, id) => {
    const task = await tasks.get(pool, id);
    return task && { name: task.templateName };
  }),
  // A delivery is named by its task and its runner, and has no own name.
  deliveries: inProject(async ({ deliveries }, pool, id) =>
    (await deliveries.get(pool, id)) ? {} : undefined,
  ),
  members: inProject(async ({ users }, pool, id) => {
    const user = await users.get(id);
    const role = user?.roles[pool];
    return user && role && { name: user.name, settings: { role } };
  }),
  invitations: inProject(async ({ invitations }, pool, id) => {
    const found = (await invitations.list(pool)).find((one) => one.id === id);
    return found && { name: invitation.parse(found).email };
  }),
  'api-tokens': async ({ apiTokens }, pool, id) => {
    const found = (await apiTokens.list(pool === 'global' ? undefined : pool)).find((one) => one.id === id);
    return found && { name: found.name };
  },
  // A registration token has no name.
  'registration-tokens': async () => ({}),
  users: async ({ users }, _, id) => {
    const user = await users.get(id);
    return user && { name: user.name, settings: { isAdmin: user.isAdmin } };
  },
};

/** Longer than any id, and short enough for a key of the table. */
const longestId = 40;

/** Returns the object that a path names; undefined when there is none, or none left. */
export const readAudited = async (deps: AuditedStores, path: string): Promise<Audited | undefined> => {
  const { kind, id } = readTarget(path);
  if (kind === 'sign-in-provider') {
    const provider = await deps.signInProviders.get();
    return (
      provider && { object: { kind, name: provider.name }, settings: settingsOf.provider.parse(provider) }
    );
  }
  const read = Object.hasOwn(readers, kind) ? readers[kind] : readResource(kind);
  if (!read || id === undefined || id.length > longestId) return undefined;
  const inPath = projectIdSchema.safeParse(path.split('/')[3]);
  const found = await read(deps, inPath.success ? inPath.data : 'global', id);
  return found && { object: { kind, id, name: found.name }, settings: found.settings };
};
