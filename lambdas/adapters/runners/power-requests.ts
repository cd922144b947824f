/** Requests to settle the power of one runner. */
import type { RunnerId } from '../../../protocol/index.ts';
import type { Pool } from '../table.ts';

export interface PowerRequest {
  readonly pool: Pool;
  readonly runnerId: RunnerId;
}

/** Notifies `runner-power` that an agent has stopped polling, or that a user woke a runner. */
export type SettlePowerSoon = (request: PowerRequest) => Promise<void>;
