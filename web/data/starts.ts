/** Queries about schedules and integrations, which start templates automatically. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { pathOf } from '../../protocol/endpoints/call.ts';
import { listIntegrationEvents } from '../../protocol/endpoints/integrations.ts';
import { previewSchedule } from '../../protocol/endpoints/schedules.ts';
import type { Schedule } from '../../protocol/index.ts';
import { list } from './list.ts';
import { call, reading } from './request.ts';

/** Returns true while the schedule itself, or the task that it started, is expected to change. */
export const isUnderway = ({ pending, lastRun }: Schedule): boolean =>
  pending !== undefined || ['waiting', 'starting', 'running'].includes(lastRun?.taskStatus ?? '');

export interface Timing {
  readonly cron: string;
  readonly timeZone: string;
  readonly startsAt?: string;
  readonly endsAt?: string;
}

export const schedulePreviewQuery = (timing: Timing) =>
  queryOptions({
    queryKey: [pathOf(previewSchedule), timing],
    // The answer carries its zone: it stays on screen while another zone is loading.
    queryFn: async ({ signal }) => ({
      ...(await call(previewSchedule, { query: { ...timing } }, { signal })),
      timeZone: timing.timeZone,
    }),
    placeholderData: keepPreviousData,
    // The next runs depend on the present.
    refetchInterval: 60_000,
  });

export const integrationEventsQuery = (projectId: string, integrationId: string) =>
  queryOptions({
    ...list(reading(listIntegrationEvents, { params: { projectId, integrationId } })),
    refetchInterval: 5000,
  });
