/** Checks the bill: each time in which an instance was on is recorded once, from its launch to its end. */
import type { Item } from '../../lambdas/adapters/table.ts';
import { epochMs } from '../../protocol/index.ts';
import { type VirtualTime, wholeSecond } from './virtual-time.ts';

/** A time in which an instance was on; without an end while it still is. */
interface Run {
  readonly instanceId: string;
  readonly launchedMs: number;
  readonly runningMs: number;
  hasWorked: boolean;
  endedMs?: number;
}

export interface BillOptions {
  readonly time: VirtualTime;
  readonly violate: (what: string) => void;
  /** Maximum delay until the control plane knows an instance's state when all of EC2's events are lost. */
  readonly hearingMs: number;
}

const short = (id: string) => id.slice(-6);

export const createBillWatch = ({ time, violate, hearingMs }: BillOptions) => {
  const launchedMs = new Map<string, number>();
  const open = new Map<string, Run>();
  const runs: Run[] = [];
  let latestMs = 0;

  const checkRun = (run: Run, sessions: readonly Item[]) => {
    const { instanceId, runningMs, endedMs = time.nowMs() } = run;
    const [session, ...more] = sessions.filter(
      (one) => one.instanceId === instanceId && epochMs(String(one.startedAt)) === run.launchedMs,
    );
    if (more.length > 0) violate(`a run of instance ${short(instanceId)} is billed ${1 + more.length} times`);
    // A short time without an agent may remain unrecorded.
    if (!session) {
      if (run.hasWorked || endedMs - runningMs > hearingMs)
        violate(
          `${Math.round((endedMs - runningMs) / 1000)} s of instance ${short(instanceId)} are not billed`,
        );
      return;
    }
    const offMs = Math.abs(epochMs(String(session.endedAt)) - endedMs);
    latestMs = Math.max(latestMs, offMs);
    if (offMs > hearingMs)
      violate(
        `the bill of instance ${short(instanceId)} ends ${Math.round(offMs / 1000)} s beside the truth`,
      );
  };

  return {
    onState: (instanceId: string, state: string) => {
      if (state === 'pending') launchedMs.set(instanceId, wholeSecond(time.nowMs()));
      else if (state === 'running') {
        const run = {
          instanceId,
          launchedMs: launchedMs.get(instanceId) ?? wholeSecond(time.nowMs()),
          runningMs: time.nowMs(),
          hasWorked: false,
        };
        open.set(instanceId, run);
        runs.push(run);
      } else {
        const run = open.get(instanceId);
        if (run) run.endedMs = time.nowMs();
        open.delete(instanceId);
      }
    },
    onWork: (instanceId: string) => {
      const run = open.get(instanceId);
      if (run) run.hasWorked = true;
    },
    /** Checks the records once all is quiet. `sessions` are all sessions. */
    check: (sessions: readonly Item[]) => {
      for (const run of runs) if (run.endedMs !== undefined) checkRun(run, sessions);
      const launches = new Set(runs.map((run) => `${run.instanceId} ${run.launchedMs}`));
      for (const { instanceId, startedAt } of sessions)
        if (!launches.has(`${String(instanceId)} ${epochMs(String(startedAt))}`))
          violate(`a session of instance ${short(String(instanceId))} is billed that never was`);
    },
    latestMs: () => latestMs,
  };
};
