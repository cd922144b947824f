/** Queries about schedules and integrations, which start templates automatically. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { pathOf } from '../../protocol/endpoints/call.ts';
import { integrations, listIntegrationEvents } from '../../protocol/endpoints/integrations.ts';
import { previewSchedule, schedules } from '../../protocol/endpoints/schedules.ts';
import type { Schedule } from '../../protocol/index.ts';
import { list } from './list.ts';
import { adaptive } from './polling.ts';
import { call, reading } from './request.ts';

const isUnderway = ({ pending, lastRun }: Schedule): boolean =>
  pending !== undefined || ['waiting', 'starting', 'running'].includes(lastRun?.taskStatus ?? '');

export const schedulesQuery = (projectId: string) =>
  queryOptions({
    ...list(reading(schedules.list, { params: { projectId } })),
    refetchInterval: adaptive<Schedule[]>((all) => all.some(isUnderway)),
  });

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

export const integrationsQuery = (projectId: string) =>
  list(reading(integrations.list, { params: { projectId } }));

export const integrationEventsQuery = (projectId: string, integrationId: string) =>
  queryOptions({
    ...list(reading(listIntegrationEvents, { params: { projectId, integrationId } })),
    refetchInterval: 5000,
  });
