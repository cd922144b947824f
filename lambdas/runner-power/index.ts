/**
 * Stops the instance of a runner that has drained or has no more work, starts that of a woken one, or starts
 * all that wait in a region. Lambda retries a failure.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type OwnWebhook,
  type PowerRequest,
  runnerPowerRequest,
  type StartsRequest,
} from '../adapters/runners/power-requests.ts';
import { lineStore } from '../adapters/tasks/lines.ts';
import { readConfig, variables } from '../config.ts';
import { settlePower } from '../flows/runners/power.ts';
import type { BatchDeps } from '../flows/runners/start-batch.ts';
import { runBatches } from '../flows/runners/start-turns.ts';
import { openPlainTable, wirePower, wireStarts } from '../wiring.ts';

const config = readConfig(
  variables.pick({ TABLE_NAME: true, API_URL: true, AWS_REGION: true, RUNNER_FLEETS: true }),
  process.env,
);
const table = openPlainTable(config.TABLE_NAME);
const batches: BatchDeps = {
  ...wirePower(table, config),
  ...wireStarts(table, config),
  pause,
  // This is the function that others invoke for it.
  startSoon: (request: StartsRequest) => runBatches(batches, request),
};
const deps = { ...batches, lines: lineStore(table) };

const runnerOf = (request: PowerRequest | OwnWebhook) =>
  'pool' in request
    ? deps.runners.get(request.pool, request.runnerId)
    : deps.runners.find(request.project_id, request.runner_id);

export const handler = async (event: unknown): Promise<void> => {
  const request = runnerPowerRequest.parse(event);
  if ('lease' in request) return runBatches(deps, request);
  const runner = await runnerOf(request);
  if (runner) await settlePower(deps, runner);
};
