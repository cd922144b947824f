/** Scope of runners: a project, or global. The same routes exist for both. */
import { pathOf } from '../../../protocol/endpoints/call.ts';
import { runnersIn } from '../../../protocol/endpoints/runners.ts';
import { projectId } from '../../../protocol/index.ts';
import type { Pool } from '../../adapters/table.ts';

/** Returns the pool that a path is about. Its parameters are validated before. */
export const poolIn = (params: Readonly<Record<string, string>>): Pool =>
  params.projectId === undefined ? 'global' : projectId.parse(params.projectId);

/** Returns the path of a runner in the API. */
export const pathOfRunner = (pool: Pool, runnerId: string): string => {
  const { endpoints, params } = runnersIn(pool === 'global' ? undefined : pool);
  return pathOf(endpoints.get, { ...params, runnerId });
};
