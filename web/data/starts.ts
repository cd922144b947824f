/** Queries about schedules and integrations, which start templates automatically. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import {
  integration,
  integrationEvent,
  type Schedule,
  schedule,
  schedulePreview,
} from '../../protocol/index.ts';
import { adaptive } from './polling.ts';
import { list, pathIn } from './queries.ts';
import { get } from './request.ts';

const isUnderway = ({ pending, lastRun }: Schedule): boolean =>
  pending !== undefined || ['waiting', 'starting', 'running'].includes(lastRun?.taskStatus ?? '');

export const schedulesQuery = (projectId: string) =>
  queryOptions({
    ...list(pathIn(projectId, 'schedules'), schedule),
    refetchInterval: adaptive<Schedule[]>((all) => all.some(isUnderway)),
  });

export interface Timing {
  readonly cron: string;
  readonly timeZone: string;
  readonly startsAt?: string | undefined;
  readonly endsAt?: string | undefined;
}

export const schedulePreviewQuery = (timing: Timing) =>
  queryOptions({
    queryKey: ['/api/schedule-preview', timing],
    // The answer carries its zone: it stays on screen while another zone is loading.
    queryFn: async ({ signal }) => ({
      ...(await get('/api/schedule-preview', schedulePreview, { ...timing }, signal)),
      timeZone: timing.timeZone,
    }),
    placeholderData: keepPreviousData,
    // The next runs depend on the present.
    refetchInterval: 60_000,
  });

export const integrationsQuery = (projectId: string) => list(pathIn(projectId, 'integrations'), integration);

export const integrationEventsQuery = (projectId: string, id: string) =>
  queryOptions({
    ...list(pathIn(projectId, `integrations/${id}/events`), integrationEvent),
    refetchInterval: 5000,
  });
