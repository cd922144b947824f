/** What the pages ask of the API, each with its key in the cache and how often to ask again. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type * as z from 'zod';
import {
  page,
  project,
  type Runner,
  runner,
  type Task,
  type TaskStatus,
  task,
  template,
} from '../../protocol/index.ts';
import { adaptive } from './polling.ts';
import { get, type Query } from './request.ts';

/** Of a project's own things, or of the stack's where there is no project. */
export const pathIn = (projectId: string | undefined, rest: string): string =>
  projectId === undefined ? `/api/${rest}` : `/api/projects/${projectId}/${rest}`;

const list = <T extends z.ZodType>(path: string, item: T) =>
  queryOptions({
    queryKey: [path],
    queryFn: async ({ signal }) => (await get(path, page(item), {}, signal)).items,
  });

export const projectsQuery = list('/api/projects', project);

const ended: ReadonlySet<TaskStatus> = new Set(['success', 'error', 'stopped', 'rejected']);
export const hasEnded = ({ status }: Pick<Task, 'status'>): boolean => ended.has(status);

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

export const runnerQuery = (projectId: string | undefined, runnerId: string) =>
  queryOptions({
    queryKey: [pathIn(projectId, 'runners'), runnerId],
    queryFn: ({ signal }) => get(pathIn(projectId, `runners/${runnerId}`), runner, {}, signal),
    refetchInterval: adaptive<Runner>(isBetweenStates),
  });

export const templatesQuery = (projectId: string) => list(pathIn(projectId, 'templates'), template);

/** Page after page, newest first. Asks again for the pages that are shown. */
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
    refetchInterval: adaptive<Task>((one) => !hasEnded(one)),
  });
