/** What has the function that settles the power of runners look at one. */
import type { RunnerId } from '../../../protocol/index.ts';
import type { Pool } from '../table.ts';

export interface PowerRequest {
  readonly pool: Pool;
  readonly runnerId: RunnerId;
}

/** Tells `runner-power` that an agent has stopped polling, or that a runner was woken by hand. */
export type SettlePowerSoon = (request: PowerRequest) => Promise<void>;
