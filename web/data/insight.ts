/** Queries about past and current work: routing, trips, timelines, costs over time, the dashboard. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import {
  costHistory,
  dashboard,
  type LiveTasks,
  listedRunner,
  liveTasks,
  page,
  type Runner,
  routing,
  type Task,
  type Trip,
  timeline,
  trip,
} from '../../protocol/index.ts';
import { adaptive } from './polling.ts';
import { hasEnded, isWaiting, pathIn } from './queries.ts';
import { get } from './request.ts';

/** Minutes that this browser's clock is ahead of UTC. They set where days begin. */
const utcOffsetMinutes = (): number => -new Date().getTimezoneOffset();

export const routingQuery = (
  projectId: string,
  asked: { readonly tag?: string | undefined; readonly inventoryId?: string | undefined },
) =>
  queryOptions({
    queryKey: [pathIn(projectId, 'routing'), asked],
    queryFn: ({ signal }) => get(pathIn(projectId, 'routing'), routing, asked, signal),
    placeholderData: keepPreviousData,
    // The sentence describes the present.
    refetchInterval: 10_000,
  });

export const tripQuery = (task: Task) =>
  queryOptions({
    queryKey: [pathIn(task.projectId, 'tasks'), task.id, 'trip', task.status, task.attempt],
    queryFn: ({ signal }) => get(pathIn(task.projectId, `tasks/${task.id}/trip`), trip, {}, signal),
    placeholderData: keepPreviousData,
    // The instance stops some time after the task has ended.
    refetchInterval: adaptive<Trip>(
      ({ steps }) =>
        !hasEnded(task) ||
        steps.some(({ step, at, isNeeded }) => step === 'instance_stopped' && isNeeded && !at),
      () => isWaiting(task),
    ),
  });

/**
 * Timeline of a runner. Without `to`: the last 24 hours, polled, and read again when the runner's state
 * changes.
 */
export const timelineQuery = (
  projectId: string | undefined,
  { id, statusSince, slots }: Pick<Runner, 'id' | 'statusSince' | 'slots'>,
  to?: string,
) =>
  queryOptions({
    queryKey: [pathIn(projectId, 'runners'), id, 'timeline', to ?? { statusSince, slots }],
    queryFn: ({ signal }) => get(pathIn(projectId, `runners/${id}/timeline`), timeline, { to }, signal),
    placeholderData: keepPreviousData,
    refetchInterval: to === undefined ? 30_000 : false,
  });

const todayBegan = (): string => {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  return midnight.toISOString();
};

/** Cost of each runner's instance today, by this browser's clock, in micro-dollars. */
export const spentTodayQuery = (projectId: string | undefined) =>
  queryOptions({
    queryKey: [pathIn(projectId, 'runners'), 'spent'],
    queryFn: async ({ signal }) => {
      const { items } = await get(
        pathIn(projectId, 'runners'),
        page(listedRunner),
        { spentSince: todayBegan() },
        signal,
      );
      return new Map<string, number | undefined>(items.map(({ id, spentMicroUsd }) => [id, spentMicroUsd]));
    },
    refetchInterval: 30_000,
  });

export const costHistoryQuery = (projectId: string, from: string) =>
  queryOptions({
    queryKey: [pathIn(projectId, 'costs/history'), from],
    queryFn: ({ signal }) =>
      get(
        pathIn(projectId, 'costs/history'),
        costHistory,
        { from, utcOffsetMinutes: utcOffsetMinutes() },
        signal,
      ),
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
  });

/** Live tasks of the dashboard. A reading is small, but one every second is not needed. */
export const liveTasksQuery = (projectId: string) =>
  queryOptions({
    queryKey: [pathIn(projectId, 'live')],
    queryFn: ({ signal }) => get(pathIn(projectId, 'live'), liveTasks, {}, signal),
    refetchInterval: ({ state: { data } }) => (data && isAnyLive(data) ? 5000 : 15_000),
  });

const isAnyLive = ({ running, waiting }: LiveTasks): boolean => running.length + waiting.length > 0;

/** History of the dashboard. Each reading examines all tasks of these days. */
export const dashboardQuery = (projectId: string) =>
  queryOptions({
    queryKey: [pathIn(projectId, 'dashboard')],
    queryFn: ({ signal }) =>
      get(
        pathIn(projectId, 'dashboard'),
        dashboard,
        { days: 14, utcOffsetMinutes: utcOffsetMinutes() },
        signal,
      ),
    staleTime: 15_000,
    refetchInterval: 60_000,
  });
