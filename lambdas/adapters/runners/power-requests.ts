/**
 * Requests to `runner-power`: to settle the power of one runner, as a webhook of the stack's own asks for it
 * too, or to start what waits in a region.
 */
import * as z from 'zod';
import { projectId, runnerId } from '../../../protocol/index.ts';
import { poolOf, type RunnerRef } from './runner-record.ts';

const powerRequest = z.object({ pool: z.union([projectId, z.literal('global')]), runnerId });
const startsRequest = z.object({
  region: z.string(),
  /** Holder of the region's lease. */
  lease: z.string(),
});

/** Body of a webhook to the stack itself. The runner is one of the project, or a global one. */
const ownWebhook = z.object({ project_id: projectId, runner_id: runnerId });

export const runnerPowerRequest = z.union([powerRequest, startsRequest, ownWebhook]);

export type PowerRequest = z.infer<typeof powerRequest>;
export type StartsRequest = z.infer<typeof startsRequest>;
export type OwnWebhook = z.infer<typeof ownWebhook>;

/** Has `runner-power` start or stop the instance of a runner, as its status requires by then. */
export type SettlePowerSoon = (runner: RunnerRef) => Promise<void>;

/** Has `runner-power` start what waits in a region, as the holder of its lease. */
export type StartSoon = (request: StartsRequest) => Promise<void>;

export const powerRequests =
  (invoke: (request: PowerRequest) => Promise<void>): SettlePowerSoon =>
  (runner) =>
    invoke({ pool: poolOf(runner), runnerId: runner.id });
