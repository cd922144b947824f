/** Queries about past and current work: routing, timelines, costs over time, the dashboard. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { pathOf } from '../../protocol/endpoints/call.ts';
import { getCostHistory } from '../../protocol/endpoints/costs.ts';
import { getDashboard, getLiveTasks, getRouting, getTrip } from '../../protocol/endpoints/dashboard.ts';
import { runnersIn } from '../../protocol/endpoints/runners.ts';
import { listTasks } from '../../protocol/endpoints/tasks.ts';
import { hasEnded, type LiveTasks, type Runner, type Task, type TaskTimeline } from '../../protocol/index.ts';
import { adaptive } from './polling.ts';
import { isWaiting } from './queries.ts';
import { call } from './request.ts';

/** Minutes that this browser's clock is ahead of UTC. They set where days begin. */
const utcOffsetMinutes = (): number => -new Date().getTimezoneOffset();

export const routingQuery = (
  projectId: string,
  asked: { readonly tag?: string; readonly inventoryId?: string },
) =>
  queryOptions({
    queryKey: [pathOf(getRouting, { projectId }), asked],
    queryFn: ({ signal }) => call(getRouting, { params: { projectId }, query: asked }, { signal }),
    placeholderData: keepPreviousData,
    // The sentence describes the present.
    refetchInterval: 10_000,
  });

export const taskTimelineQuery = (task: Task) => {
  const { projectId, id: taskId, status, attempt } = task;
  return queryOptions({
    queryKey: [pathOf(listTasks, { projectId }), taskId, 'timeline', status, attempt],
    queryFn: ({ signal }) => call(getTrip, { params: { projectId, taskId } }, { signal }),
    placeholderData: keepPreviousData,
    // The instance stops some time after the task has ended.
    refetchInterval: adaptive<TaskTimeline>(
      ({ steps }) =>
        !hasEnded(status) ||
        steps.some(({ step, at, isNeeded }) => step === 'instance_stopped' && isNeeded && !at),
      () => isWaiting(task),
    ),
  });
};

/**
 * Timeline of a runner. Without `to`: the last 24 hours, polled, and read again when the runner's state
 * changes.
 */
export const timelineQuery = (
  projectId: string | undefined,
  { id: runnerId, statusSince, slots }: Pick<Runner, 'id' | 'statusSince' | 'slots'>,
  to?: string,
) => {
  const { endpoints, params } = runnersIn(projectId);
  return queryOptions({
    queryKey: [pathOf(endpoints.list, params), runnerId, 'timeline', to ?? { statusSince, slots }],
    queryFn: ({ signal }) =>
      call(endpoints.timeline, { params: { ...params, runnerId }, query: { to } }, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: to === undefined ? 30_000 : false,
  });
};

export const costHistoryQuery = (projectId: string, from: string) =>
  queryOptions({
    queryKey: [pathOf(getCostHistory, { projectId }), from],
    queryFn: ({ signal }) => {
      const query = { from, utcOffsetMinutes: utcOffsetMinutes() };
      return call(getCostHistory, { params: { projectId }, query }, { signal });
    },
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
  });

/** Live tasks of the dashboard. A reading is small, but one every second is not needed. */
export const liveTasksQuery = (projectId: string) =>
  queryOptions({
    queryKey: [pathOf(getLiveTasks, { projectId })],
    queryFn: ({ signal }) => call(getLiveTasks, { params: { projectId } }, { signal }),
    refetchInterval: ({ state: { data } }) => (data && isAnyLive(data) ? 5000 : 15_000),
  });

const isAnyLive = ({ running, waiting }: LiveTasks): boolean => running.length + waiting.length > 0;

/** History of the dashboard. Each reading examines all tasks of these days. */
export const dashboardQuery = (projectId: string) =>
  queryOptions({
    queryKey: [pathOf(getDashboard, { projectId })],
    queryFn: ({ signal }) => {
      const query = { days: 14, utcOffsetMinutes: utcOffsetMinutes() };
      return call(getDashboard, { params: { projectId }, query }, { signal });
    },
    staleTime: 15_000,
    refetchInterval: 60_000,
  });
