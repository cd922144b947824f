/** Queries of the pages, each with its cache key and poll interval. */
import { queryOptions } from '@tanstack/react-query';
import { pathOf, type Query } from '../../protocol/endpoints/call.ts';
import { listFleets } from '../../protocol/endpoints/fleets.ts';
import { listInvitations } from '../../protocol/endpoints/invitations.ts';
import { listMembers, listUsers } from '../../protocol/endpoints/members.ts';
import {
  environments,
  inventories,
  keys,
  repositories,
  templates,
} from '../../protocol/endpoints/resources.ts';
import { runnersIn } from '../../protocol/endpoints/runners.ts';
import { getTask, listTasks } from '../../protocol/endpoints/tasks.ts';
import { listDeliveries } from '../../protocol/endpoints/webhooks.ts';
import { type Delivery, hasEnded, type Runner, type Task } from '../../protocol/index.ts';
import { list, pages } from './list.ts';
import { adaptive } from './polling.ts';
import { call, reading } from './request.ts';

/** Returns true while the task waits for a runner and this attempt has no output. */
export const isWaiting = ({ status }: Pick<Task, 'status'>): boolean => status === 'waiting';

const isBetweenStates = (one: Runner): boolean =>
  one.status === 'starting' ||
  one.status === 'stopping' ||
  one.status === 'draining' ||
  one.slots.length > 0 ||
  one.assigned.length > 0;

export const runnersQuery = (projectId: string | undefined) => {
  const { endpoints, params } = runnersIn(projectId);
  return queryOptions({
    ...list(reading(endpoints.list, { params })),
    refetchInterval: adaptive<Runner[]>((all) => all.some(isBetweenStates)),
  });
};

/** Runners that the dashboard shows at most. A project with fewer has no others. */
export const firstRunners = 8;

/** The first runners of a project, for its dashboard. */
export const firstRunnersQuery = (projectId: string) => {
  const { endpoints, params } = runnersIn(projectId);
  return queryOptions({
    ...list(reading(endpoints.list, { params, query: { limit: firstRunners } })),
    queryKey: [pathOf(endpoints.list, params), 'first'],
    refetchInterval: 15_000,
  });
};

export const fleetsQuery = () => list(reading(listFleets, {}));

export const runnerQuery = (projectId: string | undefined, runnerId: string) => {
  const { endpoints, params } = runnersIn(projectId);
  return queryOptions({
    queryKey: [pathOf(endpoints.list, params), runnerId],
    queryFn: ({ signal }) => call(endpoints.get, { params: { ...params, runnerId } }, { signal }),
    refetchInterval: adaptive<Runner>(isBetweenStates),
  });
};

export const templatesQuery = (projectId: string) => list(reading(templates.list, { params: { projectId } }));
export const inventoriesQuery = (projectId: string) =>
  list(reading(inventories.list, { params: { projectId } }));
export const repositoriesQuery = (projectId: string) =>
  list(reading(repositories.list, { params: { projectId } }));
export const keysQuery = (projectId: string) => list(reading(keys.list, { params: { projectId } }));
export const environmentsQuery = (projectId: string) =>
  list(reading(environments.list, { params: { projectId } }));
export const membersQuery = (projectId: string) => list(reading(listMembers, { params: { projectId } }));
export const invitationsQuery = (projectId: string) =>
  list(reading(listInvitations, { params: { projectId } }));
export const usersQuery = list(reading(listUsers, {}));

export const tasksQuery = (projectId: string, query: Query = {}) => ({
  ...pages((asked) => reading(listTasks, { params: { projectId }, query: asked }), query),
  refetchInterval: adaptive<{ pages: { items: Task[] }[] }>(({ pages: shown }) =>
    shown.some(({ items }) => items.some(({ status }) => !hasEnded(status))),
  ),
});

export const taskQuery = (projectId: string, taskId: string) =>
  queryOptions({
    queryKey: [pathOf(listTasks, { projectId }), taskId],
    queryFn: ({ signal }) => call(getTask, { params: { projectId, taskId } }, { signal }),
    refetchInterval: adaptive<Task>(({ status }) => !hasEnded(status), isWaiting),
  });

export const deliveriesQuery = (projectId: string, status?: Delivery['status']) => ({
  ...pages((query) => reading(listDeliveries, { params: { projectId }, query }), { status }),
  refetchInterval: adaptive<{ pages: { items: { status: string }[] }[] }>(({ pages: shown }) =>
    shown.some(({ items }) => items.some(({ status }) => status === 'pending')),
  ),
});
