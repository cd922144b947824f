/** When an agent counts as silent: it has not renewed its lease. */
import { type Instant, msBetween } from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';

/** Returns the reason of a task whose runner's lease has ended. */
export const sentNoHeartbeat = ({ name }: RunnerRecord): string =>
  `The agent of ${name} sent no heartbeat in time.`;

export const isLapsed = (runner: RunnerRecord, now: Instant): boolean =>
  runner.leaseUntil === undefined || msBetween(runner.leaseUntil, now) > 0;
