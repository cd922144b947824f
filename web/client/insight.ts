/** What the pages ask of what happened: routing, trips, timelines, costs over time, the dashboard. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import {
  costHistory,
  type Dashboard,
  dashboard,
  routing,
  type Task,
  type Trip,
  timeline,
  trip,
} from '../../protocol/index.ts';
import { adaptive } from './polling.ts';
import { hasEnded, pathIn } from './queries.ts';
import { get } from './request.ts';

/** Minutes that this browser's clock is ahead of UTC: where days begin. */
const utcOffsetMinutes = (): number => -new Date().getTimezoneOffset();

export const routingQuery = (
  projectId: string,
  asked: { readonly tag?: string | undefined; readonly inventoryId?: string | undefined },
) =>
  queryOptions({
    queryKey: [pathIn(projectId, 'routing'), asked],
    queryFn: ({ signal }) => get(pathIn(projectId, 'routing'), routing, asked, signal),
    placeholderData: keepPreviousData,
    // The sentence is about now.
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
    ),
  });

export const timelineQuery = (projectId: string | undefined, runnerId: string) =>
  queryOptions({
    queryKey: [pathIn(projectId, 'runners'), runnerId, 'timeline'],
    queryFn: ({ signal }) => get(pathIn(projectId, `runners/${runnerId}/timeline`), timeline, {}, signal),
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
    refetchInterval: adaptive<Dashboard>(({ running, waiting }) => running.length + waiting.length > 0),
  });
