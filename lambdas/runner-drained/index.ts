/** Stops the instances of runners whose agent has stopped polling, and starts those of runners that were woken by hand. */
import type { SQSEvent } from 'aws-lambda';
import * as z from 'zod';
import { projectId, runnerId } from '../../protocol/index.ts';
import { ec2Instances } from '../adapters/instances.ts';
import type { DrainedRunner } from '../adapters/queues.ts';
import { handleBatch } from '../batch.ts';
import { readConfig, variables } from '../config.ts';
import { settlePower } from '../flows/wake.ts';
import { wireStores } from '../wiring.ts';

const config = readConfig(
  variables.pick({ TABLE_NAME: true, API_URL: true, RUNNER_FLEETS: true }),
  process.env,
);
const deps = {
  ...wireStores(config.TABLE_NAME),
  instances: ec2Instances(),
  fleets: config.RUNNER_FLEETS,
  apiUrl: config.API_URL,
};

const drainedRunner = z.object({
  pool: z.union([projectId, z.literal('global')]),
  runnerId,
}) satisfies z.ZodType<DrainedRunner>;

export const handler = (event: SQSEvent) =>
  handleBatch(
    event,
    async ({ body }) => {
      const { pool, runnerId } = drainedRunner.parse(JSON.parse(body));
      const runner = await deps.runners.get(pool, runnerId);
      if (runner) await settlePower(deps, runner);
      return true;
    },
    deps.log,
  );
