/** Cost of runners today, by this browser's clock. */
import { useQueries } from '@tanstack/react-query';
import { pathOf, type Query } from '../../protocol/endpoints/call.ts';
import { runnersIn } from '../../protocol/endpoints/runners.ts';
import { pageSize } from './list.ts';
import { call } from './request.ts';

const todayBegan = (): string => {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  return midnight.toISOString();
};

/** Micro-dollars by the runner's id; undefined where nobody knows the price. */
export type Spent = ReadonlyMap<string, number | undefined>;

/** Costs of the runners on these pages of a list. They change slowly, and are read more rarely. */
export const useSpentToday = (
  projectId: string | undefined,
  filters: Query,
  cursors: readonly (string | undefined)[],
): Spent => {
  const { endpoints, params } = runnersIn(projectId);
  return useQueries({
    queries: cursors.map((cursor) => ({
      queryKey: [pathOf(endpoints.list, params), 'spent', filters, cursor ?? ''],
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        const query = { limit: pageSize, ...filters, cursor, spentSince: todayBegan() };
        const { items } = await call(endpoints.list, { params, query }, { signal });
        return items.map(({ id, spentMicroUsd }) => [id, spentMicroUsd] as const);
      },
      refetchInterval: 30_000,
    })),
    combine: (answers) => new Map(answers.flatMap(({ data }) => data ?? [])),
  });
};
