/** References between objects of a project: checked at a write, and again before a removal. */
import type { Integration, Key, KeyId, LaunchValues, ProjectId, Template } from '../../../protocol/index.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { hasEnded } from '../../core/tasks/task-state.ts';
import type { FieldErrors } from '../../problems.ts';
import type { ApiDeps } from '../deps.ts';

interface Readable {
  get(projectId: ProjectId, id: string): Promise<unknown>;
}

/** Returns a row for each field whose id the project does not have. A field without an id is skipped. */
export const findMissing = async (
  projectId: ProjectId,
  fields: readonly (readonly [path: string, id: string | undefined, store: Readable])[],
): Promise<FieldErrors> => {
  const checked = await Promise.all(
    fields.map(async ([path, id, store]) => {
      const isThere = id === undefined || (await store.get(projectId, id)) !== undefined;
      return isThere ? [] : [{ path, message: 'is not in this project' }];
    }),
  );
  return checked.flat();
};

/** Checks the values that a task gets beside its template's. */
export const findMissingValues = (
  { resources: { inventories, environments } }: Pick<ApiDeps, 'resources'>,
  projectId: ProjectId,
  { inventoryId, environmentId }: LaunchValues,
): Promise<FieldErrors> =>
  findMissing(projectId, [
    ['inventoryId', inventoryId, inventories],
    ['environmentId', environmentId, environments],
  ]);

const quoted = (what: string, all: readonly { readonly name: string }[]): string[] =>
  all.map(({ name }) => `${what} "${name}"`);

const taskPrefix = 'task ';

/** Names the tasks of a project that have not ended and match `concerns`. */
const liveTasks = async (
  { tasks }: Pick<ApiDeps, 'tasks'>,
  projectId: ProjectId,
  concerns: (task: TaskRecord) => boolean,
): Promise<string[]> => {
  const live = await tasks.listLiveOf(projectId);
  return live
    .filter((task) => !hasEnded(task.status) && concerns(task))
    .map(({ id }) => `${taskPrefix}${id}`);
};

type TemplateReference = 'inventoryId' | 'repositoryId' | 'environmentId';

/** Names the templates that have `id` in that field, and their tasks, schedules and integrations. */
export const usersByTemplate = async (
  deps: Pick<ApiDeps, 'tasks' | 'resources' | 'integrations' | 'schedules'>,
  field: TemplateReference,
  projectId: ProjectId,
  id: string,
): Promise<string[]> => {
  const names = (one: { readonly [field in TemplateReference]?: string | undefined }) => one[field] === id;
  return [
    ...quoted('template', (await deps.resources.templates.list(projectId)).filter(names)),
    ...quoted('integration', (await deps.integrations.list(projectId)).filter(names)),
    ...quoted('schedule', (await deps.schedules.list(projectId)).filter(names)),
    ...(await liveTasks(deps, projectId, (task) => task[field] === id)),
  ];
};

export const usersOfTemplate = async (
  deps: Pick<ApiDeps, 'tasks' | 'integrations' | 'schedules'>,
  projectId: ProjectId,
  id: string,
): Promise<string[]> => {
  const starts = (one: { templateId: string }) => one.templateId === id;
  return [
    ...quoted('integration', (await deps.integrations.list(projectId)).filter(starts)),
    ...quoted('schedule', (await deps.schedules.list(projectId)).filter(starts)),
    ...(await liveTasks(deps, projectId, starts)),
  ];
};

export const usersOfKey = async (
  { resources, integrations }: Pick<ApiDeps, 'resources' | 'integrations'>,
  projectId: ProjectId,
  id: string,
): Promise<string[]> => {
  const uses = (user: { keyId?: KeyId }) => user.keyId === id;
  const repositories = await resources.repositories.list(projectId);
  const inventories = await resources.inventories.list(projectId);
  const templates = await resources.templates.list(projectId);
  const isForAnsible = ({ ansible }: Template) =>
    ansible?.becomeKeyId === id || (ansible?.vaultKeys ?? []).some(({ keyId }) => keyId === id);
  return [
    ...quoted('repository', repositories.filter(uses)),
    ...quoted('inventory', inventories.filter(uses)),
    ...quoted('template', templates.filter(isForAnsible)),
    ...quoted(
      'integration',
      (await integrations.list(projectId)).filter(({ auth }) => auth.type !== 'url' && auth.keyId === id),
    ),
  ];
};

/** Names the users of the key that need a key of another type than `type`. */
export const usersThatNeedAnotherType = async (
  { resources, integrations }: Pick<ApiDeps, 'resources' | 'integrations'>,
  projectId: ProjectId,
  id: string,
  type: Key['type'],
): Promise<string[]> => {
  const proves = ({ auth }: Integration) => auth.type !== 'url' && auth.keyId === id;
  const opens = ({ ansible }: Template) =>
    ansible?.becomeKeyId === id || (ansible?.vaultKeys ?? []).some(({ keyId }) => keyId === id);
  const hasPassword = type === 'string' || type === 'login_password';
  return [
    ...(type === 'string' ? [] : quoted('integration', (await integrations.list(projectId)).filter(proves))),
    ...(hasPassword ? [] : quoted('template', (await resources.templates.list(projectId)).filter(opens))),
  ];
};

export const usersOfProject = async (
  deps: Pick<ApiDeps, 'tasks' | 'runners'>,
  projectId: ProjectId,
): Promise<string[]> => [
  ...quoted('runner', await deps.runners.list(projectId)),
  ...(await liveTasks(deps, projectId, () => true)),
];

const namedAtMost = 5;

/** "The key is used by repository "a", inventory "b". …". Advises to wait only for tasks, which end. */
export const describeUse = (what: string, users: readonly string[]): string => {
  const named = users.slice(0, namedAtMost);
  const rest = users.length - named.length;
  const list = [...named, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
  const hasTask = users.some((user) => user.startsWith(taskPrefix));
  const orWait = hasTask ? ', or wait until it has ended' : '';
  return `The ${what} is used by ${list}. Change or remove that first${orWait}.`;
};
