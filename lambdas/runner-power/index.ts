/**
 * Stops the instance of a runner that has drained or has no more work, starts that of a woken one, or starts
 * all that wait in a region. Lambda retries a failure.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { newId } from '../adapters/ids.ts';
import { ec2Instances } from '../adapters/runners/instances.ts';
import {
  type OwnWebhook,
  type PowerRequest,
  runnerPowerRequest,
  type StartsRequest,
} from '../adapters/runners/power-requests.ts';
import { runnerStore } from '../adapters/runners/runners.ts';
import { startQueue } from '../adapters/runners/start-queue.ts';
import { lineStore } from '../adapters/tasks/lines.ts';
import { readConfig, variables } from '../config.ts';
import { settlePower } from '../flows/runners/power.ts';
import type { BatchDeps } from '../flows/runners/start-batch.ts';
import { runBatches } from '../flows/runners/start-turns.ts';
import { log, now, openPlainTable } from '../wiring.ts';

const config = readConfig(
  variables.pick({ TABLE_NAME: true, API_URL: true, AWS_REGION: true, RUNNER_FLEETS: true }),
  process.env,
);
const table = openPlainTable(config.TABLE_NAME);
// No more: what is not named is not in the bundle, and its cold start is on the way of each task that wakes
// an instance.
const batches: BatchDeps = {
  now,
  newId,
  log,
  runners: runnerStore(table),
  starts: startQueue(table, now),
  instances: ec2Instances(),
  fleets: config.RUNNER_FLEETS,
  apiUrl: config.API_URL,
  region: config.AWS_REGION,
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
