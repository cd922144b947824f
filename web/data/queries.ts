/** Queries of the pages, each with its cache key and poll interval. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type * as z from 'zod';
import {
  apiToken,
  auditEvent,
  type Delivery,
  delivery,
  environment,
  fleet,
  inventory,
  invitation,
  hasEnded as isEnd,
  key,
  member,
  page,
  project,
  type Runner,
  repository,
  runner,
  type Task,
  task,
  template,
  user,
} from '../../protocol/index.ts';
import { adaptive } from './polling.ts';
import { get, type Query } from './request.ts';

/** Path of a resource in a project, or in the stack when there is no project. */
export const pathIn = (projectId: string | undefined, rest: string): string =>
  projectId === undefined ? `/api/${rest}` : `/api/projects/${projectId}/${rest}`;

export const list = <T extends z.ZodType>(path: string, item: T) =>
  queryOptions({
    queryKey: [path],
    queryFn: async ({ signal }) => (await get(path, page(item), {}, signal)).items,
  });

export const projectsQuery = list('/api/projects', project);

export const hasEnded = ({ status }: Pick<Task, 'status'>): boolean => isEnd(status);

/** Returns true while the task waits for a runner and this attempt has no output. */
export const isWaiting = ({ status }: Pick<Task, 'status'>): boolean => status === 'waiting';

const isBetweenStates = (one: Runner): boolean =>
  one.status === 'starting' ||
  one.status === 'stopping' ||
  one.status === 'draining' ||
  one.slots.length > 0 ||
  one.demand.length > 0;

export const runnersQuery = (projectId: string | undefined) =>
  queryOptions({
    ...list(pathIn(projectId, 'runners'), runner),
    refetchInterval: adaptive<Runner[]>((all) => all.some(isBetweenStates)),
  });

export const fleetsQuery = () => list('/api/fleets', fleet);

export const runnerQuery = (projectId: string | undefined, runnerId: string) =>
  queryOptions({
    queryKey: [pathIn(projectId, 'runners'), runnerId],
    queryFn: ({ signal }) => get(pathIn(projectId, `runners/${runnerId}`), runner, {}, signal),
    refetchInterval: adaptive<Runner>(isBetweenStates),
  });

export const templatesQuery = (projectId: string) => list(pathIn(projectId, 'templates'), template);
export const inventoriesQuery = (projectId: string) => list(pathIn(projectId, 'inventories'), inventory);
export const repositoriesQuery = (projectId: string) => list(pathIn(projectId, 'repositories'), repository);
export const keysQuery = (projectId: string) => list(pathIn(projectId, 'keys'), key);
export const environmentsQuery = (projectId: string) => list(pathIn(projectId, 'environments'), environment);
export const membersQuery = (projectId: string) => list(pathIn(projectId, 'members'), member);
export const invitationsQuery = (projectId: string) => list(pathIn(projectId, 'invitations'), invitation);
export const apiTokensQuery = (projectId: string | undefined) =>
  list(pathIn(projectId, 'api-tokens'), apiToken);
export const usersQuery = list('/api/users', user);

/** Lists resources page by page, newest first. Only the pages on screen are polled. */
const pages = <T extends z.ZodType>(path: string, item: T, query: Query = {}) =>
  infiniteQueryOptions({
    queryKey: [path, 'pages', query],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      get(path, page(item), { ...query, ...(pageParam !== '' && { cursor: pageParam }) }, signal),
    getNextPageParam: ({ nextCursor }) => nextCursor,
    placeholderData: keepPreviousData,
  });

export const tasksQuery = (projectId: string, query: Query = {}) => ({
  ...pages(pathIn(projectId, 'tasks'), task, query),
  refetchInterval: adaptive<{ pages: { items: Task[] }[] }>(({ pages: shown }) =>
    shown.some(({ items }) => items.some((one) => !hasEnded(one))),
  ),
});

export const taskQuery = (projectId: string, taskId: string) =>
  queryOptions({
    queryKey: [pathIn(projectId, 'tasks'), taskId],
    queryFn: ({ signal }) => get(pathIn(projectId, `tasks/${taskId}`), task, {}, signal),
    refetchInterval: adaptive<Task>((one) => !hasEnded(one), isWaiting),
  });

export const deliveriesQuery = (projectId: string, status?: Delivery['status']) => ({
  ...pages(pathIn(projectId, 'deliveries'), delivery, { status }),
  refetchInterval: adaptive<{ pages: { items: { status: string }[] }[] }>(({ pages: shown }) =>
    shown.some(({ items }) => items.some(({ status }) => status === 'pending')),
  ),
});

export const auditQuery = (projectId: string | undefined, query: Query) =>
  pages(pathIn(projectId, 'audit'), auditEvent, query);
