/** Requests to settle the power of one runner. */
import type { RunnerId } from '../../../protocol/index.ts';
import type { Pool } from '../table.ts';
import { poolOf, type RunnerRef } from './runner-record.ts';

export interface PowerRequest {
  readonly pool: Pool;
  readonly runnerId: RunnerId;
}

/** Has `runner-power` start or stop the instance of a runner, as its status requires by then. */
export type SettlePowerSoon = (runner: RunnerRef) => Promise<void>;

export const powerRequests =
  (invoke: (request: PowerRequest) => Promise<void>): SettlePowerSoon =>
  (runner) =>
    invoke({ pool: poolOf(runner), runnerId: runner.id });
