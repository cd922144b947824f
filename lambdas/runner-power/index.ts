/** Stops the instance of a drained runner, or starts that of a woken one. Lambda retries a failure. */
import * as z from 'zod';
import { projectId, runnerId } from '../../protocol/index.ts';
import type { PowerRequest } from '../adapters/runners/power-requests.ts';
import { lineStore } from '../adapters/tasks/lines.ts';
import { readConfig, variables } from '../config.ts';
import { settlePower } from '../flows/runners/power.ts';
import { openPlainTable, wirePower } from '../wiring.ts';

const config = readConfig(
  variables.pick({ TABLE_NAME: true, API_URL: true, RUNNER_FLEETS: true }),
  process.env,
);
const table = openPlainTable(config.TABLE_NAME);
const deps = {
  ...wirePower(table, config),
  lines: lineStore(table),
  apiUrl: config.API_URL,
};

const powerRequest = z.object({
  pool: z.union([projectId, z.literal('global')]),
  runnerId,
}) satisfies z.ZodType<PowerRequest>;

export const handler = async (event: unknown): Promise<void> => {
  const { pool, runnerId } = powerRequest.parse(event);
  const runner = await deps.runners.get(pool, runnerId);
  if (runner) await settlePower(deps, runner);
};
