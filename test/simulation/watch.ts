/** The invariants: checks every write, execution and instance, and reports violations. */
import type { Item, Key } from '../../lambdas/adapters/table.ts';
import { runnerTransitions } from '../../lambdas/core/runners/runner-state.ts';
import { hasEnded, taskTransitions } from '../../lambdas/core/tasks/task-state.ts';
import { epochMs, type RunnerId, type TaskId, taskStatus } from '../../protocol/index.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Execution of a task's program on a runner, from its start to its end by any cause. */
export interface Execution {
  readonly taskId: TaskId;
  readonly attempt: number;
  readonly runnerId: RunnerId;
}

export interface WatchedRunner {
  readonly instanceId?: string;
  /** Undefined for the default: the minute that a start bills. */
  readonly idleTimeoutMs: number | undefined;
}

export interface WatchOptions {
  readonly time: VirtualTime;
  readonly trace: (line: string) => void;
  /**
   * Maximum time that an instance may run without work beyond its idle timeout, or beyond the minute that its
   * start bills.
   */
  readonly idleBoundMs: number;
  readonly runnerOf: (instanceId: string) => WatchedRunner | undefined;
  readonly stateOf: (instanceId: string) => string | undefined;
}

const sizeOf = (value: unknown): number => (value instanceof Set ? value.size : 0);
const statusOf = (item: Item | undefined) => taskStatus.safeParse(item?.status).data;
const short = (id: string) => id.slice(-6);

/**
 * Minute that a start bills, in which an instance may run without work; an instance with an idle timeout may
 * also boot in it.
 */
const paidMs = 60_000;

type Rows = readonly { readonly from: readonly string[]; readonly to: string }[];
const changesOf = (kind: string, rows: Rows): string[] =>
  rows.flatMap(({ from, to }) => from.filter((was) => was !== to).map((was) => `${kind}: ${was} → ${to}`));

/** Changes of status that the state tables have. */
export const possibleChanges: ReadonlySet<string> = new Set([
  ...changesOf('task', taskTransitions),
  ...changesOf('runner', runnerTransitions),
]);

export const createWatch = ({ time, trace, idleBoundMs, runnerOf, stateOf }: WatchOptions) => {
  const violations: string[] = [];
  const changes = new Set<string>();
  const executions = new Map<TaskId, Execution>();
  const firstBegunMs = new Map<string, number>();
  const createdMs = new Map<string, number>();
  const ends = new Map<string, number>();
  const received = new Set<string>();
  const idleSinceMs = new Map<string, number>();
  const runningSinceMs = new Map<string, number>();
  const instanceOfRunner = new Map<RunnerId, string>();
  let longestWaitMs = 0;
  let longestIdleOverrunMs = 0;

  const violate = (what: string) => {
    trace(`VIOLATION: ${what}`);
    violations.push(what);
  };

  /** Checks a change of status by the state table. */
  const changed = (kind: 'task' | 'runner', sk: string, was: unknown, is: unknown) => {
    const change = `${kind}: ${String(was)} → ${String(is)}`;
    changes.add(change);
    if (!possibleChanges.has(change)) violate(`${short(sk)} made a change that has no row, ${change}`);
  };

  const taskWritten = (sk: string, before: Item | undefined, after: Item | undefined) => {
    const [was, is] = [statusOf(before), statusOf(after)];
    if (!is) return violate(`task ${short(sk)} was removed`);
    if (!was) createdMs.set(sk, time.nowMs());
    if (was !== is || before?.attempt !== after?.attempt)
      trace(
        `task ${short(sk)}: ${was ?? 'new'} → ${is}, attempt ${String(after?.attempt)}, runner ${String(after?.runnerId ?? '-').slice(-4)}`,
      );
    if (was && was !== is) changed('task', sk, was, is);
    if (was && hasEnded(was) && (was !== is || before?.attempt !== after?.attempt)) {
      violate(`task ${short(sk)} had ended as ${was} and became ${is}`);
    }
    if (hasEnded(is) && !(was && hasEnded(was))) {
      ends.set(sk, (ends.get(sk) ?? 0) + 1);
      const running = [...executions.values()].find(({ taskId }) => taskId === sk);
      if (running) violate(`task ${short(sk)} ended while attempt ${running.attempt} of it ran`);
    }
    if (was && was !== 'waiting' && is === 'waiting' && after?.attempt === before?.attempt) {
      violate(`task ${short(sk)} waits again under the same attempt`);
    }
    if (Number(after?.attempt) < Number(before?.attempt ?? 0)) violate(`task ${short(sk)} lost an attempt`);
    if (is === 'starting' && was !== 'starting' && was !== 'waiting')
      violate(`task ${short(sk)} was claimed while ${was}`);
  };

  const runnerWritten = (sk: string, before: Item | undefined, after: Item | undefined) => {
    if (!before || !after) return;
    if (before.status !== after.status)
      trace(
        `runner ${sk.slice(-4)}: ${String(before.status)} → ${String(after.status)}, slots ${sizeOf(after.slots)}, assigned ${sizeOf(after.assigned)}`,
      );
    const isOn = stateOf(String(after.instanceId)) === 'running';
    for (const taskId of before.slots instanceof Set ? before.slots : []) {
      const keeps = after.slots instanceof Set && after.slots.has(taskId);
      const running = [...executions.values()].find((one) => one.taskId === taskId && one.runnerId === sk);
      if (!keeps && running) violate(`task ${short(running.taskId)} was taken from its runner while it ran`);
    }
    if (before.status !== after.status) changed('runner', sk, before.status, after.status);
    const isHeard = epochMs(String(before.leaseUntil ?? time.now())) > time.nowMs();
    const isGoingToSleep =
      (before.status === 'online' && after.status === 'draining') ||
      (before.status === 'online' && after.status === 'stopping' && isOn && isHeard) ||
      (before.status === 'draining' && after.status === 'stopping' && isOn);
    if (isGoingToSleep && sizeOf(after.slots) + sizeOf(after.assigned) > 0) {
      violate(`runner ${sk.slice(-4)} goes to sleep although tasks count on it`);
    }
    const most = Number(after.maxParallelTasks);
    if (sizeOf(after.assigned) > sizeOf(before.assigned)) {
      const [places, bound] =
        most === 0 ? [sizeOf(after.assigned), 50] : [sizeOf(after.slots) + sizeOf(after.assigned), most];
      if (places > bound) violate(`runner ${sk.slice(-4)} is assigned a task beyond its ${bound} places`);
    }
    const [held, holds] = [sizeOf(before.slots), sizeOf(after.slots)];
    if (holds > held) {
      if (most > 0 && holds > most) violate(`runner ${sk.slice(-4)} holds ${holds} of ${most} tasks`);
      if (after.status !== 'online')
        violate(`runner ${sk.slice(-4)} took a task while ${String(after.status)}`);
    }
  };

  const busyOn = (instanceId: string) =>
    [...executions.values()].filter(({ runnerId }) => instanceOfRunner.get(runnerId) === instanceId);

  const endIdle = (instanceId: string) => {
    const since = idleSinceMs.get(instanceId);
    const runner = runnerOf(instanceId);
    idleSinceMs.delete(instanceId);
    if (since !== undefined && runner) checkIdle(instanceId, since, runner);
  };
  const checkIdle = (instanceId: string, sinceMs: number, runner: WatchedRunner) => {
    const untilMs =
      runner.idleTimeoutMs === undefined
        ? Math.max(sinceMs, (runningSinceMs.get(instanceId) ?? sinceMs) + paidMs)
        : sinceMs + runner.idleTimeoutMs + paidMs;
    const overrunMs = time.nowMs() - untilMs;
    longestIdleOverrunMs = Math.max(longestIdleOverrunMs, overrunMs);
    if (overrunMs > idleBoundMs) {
      violate(`instance ${short(instanceId)} ran ${Math.round(overrunMs / 1000)} s too long without work`);
    }
  };

  return {
    violations,
    /** Changes of status that were made. */
    changes,
    violate,
    executions,
    ends,
    onWrite: (key: Key, before: Item | undefined, after: Item | undefined) => {
      if (key.sk.startsWith('tsk_')) taskWritten(key.sk, before, after);
      if (key.sk.startsWith('run_')) runnerWritten(key.sk, before, after);
    },
    /** Records the begin of an execution. `mayRun` is true if the task's tag and project allow the runner. */
    begin: (execution: Execution, mayRun: boolean) => {
      const { taskId, attempt, runnerId } = execution;
      trace(`task ${short(taskId)} begins on runner ${runnerId.slice(-4)}, attempt ${attempt}`);
      const other = executions.get(taskId);
      if (other) {
        violate(
          `task ${short(taskId)} runs twice at once: attempt ${other.attempt} on ${other.runnerId.slice(-4)}, attempt ${attempt} on ${runnerId.slice(-4)}`,
        );
      }
      if (ends.has(taskId)) violate(`task ${short(taskId)} began after it had ended`);
      if (!mayRun) violate(`task ${short(taskId)} runs on runner ${runnerId.slice(-4)}, which it may not`);
      executions.set(taskId, execution);
      const instanceId = instanceOfRunner.get(runnerId);
      if (instanceId) endIdle(instanceId);
      if (!firstBegunMs.has(taskId)) {
        firstBegunMs.set(taskId, time.nowMs());
        longestWaitMs = Math.max(longestWaitMs, time.nowMs() - (createdMs.get(taskId) ?? time.nowMs()));
      }
    },
    end: (execution: Execution) => {
      if (executions.get(execution.taskId) === execution) executions.delete(execution.taskId);
      trace(`task ${short(execution.taskId)} ends on runner ${execution.runnerId.slice(-4)}`);
      const instanceId = instanceOfRunner.get(execution.runnerId);
      if (instanceId && busyOn(instanceId).length === 0) idleSinceMs.set(instanceId, time.nowMs());
    },
    /** Records a webhook that a receiver verified and accepted. */
    webhookTaken: (id: string, timestamp: string) => {
      const name = `${id} ${timestamp}`;
      if (received.has(name)) violate(`the webhook ${id} was taken twice`);
      received.add(name);
    },
    bind: (runnerId: RunnerId, instanceId: string) => instanceOfRunner.set(runnerId, instanceId),
    instanceRuns: (instanceId: string) => {
      idleSinceMs.set(instanceId, time.nowMs());
      runningSinceMs.set(instanceId, time.nowMs());
    },
    instanceEnds: endIdle,
    /** Checks an instance that the stack asked EC2 to stop. */
    stopAsked: (instanceId: string) => {
      for (const { taskId } of busyOn(instanceId)) {
        violate(`instance ${short(instanceId)} was stopped while task ${short(taskId)} ran on it`);
      }
    },
    checkIdleInstances: () => {
      for (const [instanceId, since] of idleSinceMs) {
        const runner = runnerOf(instanceId);
        if (runner) checkIdle(instanceId, since, runner);
      }
    },
    begunFirst: firstBegunMs,
    longestWaitMs: () => longestWaitMs,
    longestIdleOverrunMs: () => Math.max(0, longestIdleOverrunMs),
  };
};
