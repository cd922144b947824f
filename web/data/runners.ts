/** Queries of runners and fleets. */
import { queryOptions } from '@tanstack/react-query';
import { pathOf, type Query } from '../../protocol/endpoints/call.ts';
import { listFleets } from '../../protocol/endpoints/fleets.ts';
import { runnersIn } from '../../protocol/endpoints/runners.ts';
import type { Runner } from '../../protocol/index.ts';
import { list, pages } from './list.ts';
import { adaptive } from './polling.ts';
import { call, reading } from './request.ts';

const isBetweenStates = (one: Runner): boolean =>
  one.status === 'starting' ||
  one.status === 'stopping' ||
  one.status === 'draining' ||
  one.slots.length > 0 ||
  one.assigned.length > 0;

/** Key of all that is read of a pool's runners: to read them again after a change. */
export const runnersKey = (projectId: string | undefined): readonly string[] => {
  const { endpoints, params } = runnersIn(projectId);
  return [pathOf(endpoints.list, params)];
};

export const runnerPages = (projectId: string | undefined, query: Query) => {
  const { endpoints, params } = runnersIn(projectId);
  return pages<Runner>((asked) => reading(endpoints.list, { params, query: asked }), query, isBetweenStates);
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
