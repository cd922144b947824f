/** Stores that record metrics of their calls, so that rules and flows need not know of metrics. */
import { type Clock, msBetween } from '../../protocol/index.ts';
import { type FleetPlan, scheduled } from '../core/fleets/fleets.ts';
import { oldestWaitingMs, savedBySleepUsd, withoutWork } from '../core/signals.ts';
import type { PriceStore } from './costs/prices.ts';
import type { Log } from './log.ts';
import type { RunnerStore } from './runners/runners.ts';
import type { SessionStore } from './runners/sessions.ts';
import type { TaskRecord, TaskStore } from './tasks/tasks.ts';
import type { Measure } from './telemetry.ts';
import type { SendWebhook } from './webhooks/webhook-sender.ts';

/** Measures the time from a task's creation to its first attempt's first output. */
export const measuredTasks = (tasks: TaskStore, measure: Measure): TaskStore => {
  const measured = (begun: TaskRecord | undefined) => {
    if (begun?.startedAt !== undefined && begun.attempt === 1)
      measure('QueueToRunning', msBetween(begun.createdAt, begun.startedAt), { taskId: begun.id });
    return begun;
  };
  return {
    ...tasks,
    markRunning: async (...args) => measured(await tasks.markRunning(...args)),
    finish: async (ref, holder, result, now) => {
      const finished = await tasks.finish(ref, holder, result, now);
      return result.startedAt === undefined ? finished : measured(finished);
    },
  };
};

/** Measures the savings of a sleep when it is over. `region`: of runners without their own. */
export const measuredRunners = (
  runners: RunnerStore,
  prices: Pick<PriceStore, 'of'>,
  measure: Measure,
  region: string,
): RunnerStore => ({
  ...runners,
  openSession: async (...args) => {
    const opened = await runners.openSession(...args);
    if (opened?.session && opened.lastSessionEndedAt !== undefined) {
      const price = await prices.of(opened.region ?? region, opened.instanceType);
      const saved = savedBySleepUsd(opened, opened.session, price?.microUsdPerHour);
      if (saved !== undefined) measure('SavedUsd', saved, { runnerId: opened.id });
    }
    return opened;
  },
});

/** Measures boot time and idle time of instances. */
export const measuredSessions = (sessions: SessionStore, measure: Measure): SessionStore => ({
  ...sessions,
  put: async (facts) => {
    await sessions.put(facts);
    const { id: sessionId, runnerId, startedAt, onlineAt, endedAt, busyMs } = facts;
    const about = { sessionId, runnerId };
    if (onlineAt !== undefined) measure('BootTime', msBetween(startedAt, onlineAt), about);
    if (endedAt !== undefined) {
      measure('IdleTime', Math.max(0, msBetween(startedAt, endedAt) - busyMs) / 1000, about);
    }
  },
});

/** Logs each attempt at a delivery. */
export const loggedWebhooks =
  (send: SendWebhook, log: Log): SendWebhook =>
  async (delivery, secret) => {
    const attempt = await send(delivery, secret);
    const { task_id: taskId, runner_id: runnerId, action } = delivery.body;
    const { statusCode, error, durationMs } = attempt;
    // A receiver's failure is no error of the stack.
    log[error === undefined ? 'info' : 'warn']('Sent a webhook', {
      deliveryId: delivery.id,
      taskId,
      runnerId,
      action,
      durationMs,
      statusCode,
      error,
    });
    return attempt;
  };

interface Watching {
  readonly tasks: TaskStore;
  readonly runners: RunnerStore;
  readonly fleets: readonly FleetPlan[];
  readonly now: Clock;
  readonly log: Log;
}

/**
 * For the reconciler, which reads all live items each minute. Measures nothing where no task waits and
 * nothing is wrong.
 */
export const watched = <T extends Watching>(deps: T, measure: Measure): T => ({
  ...deps,
  tasks: {
    ...deps.tasks,
    listLive: async () => {
      const live = await deps.tasks.listLive();
      const waitedMs = oldestWaitingMs(live, deps.now());
      if (waitedMs !== undefined) measure('OldestWaiting', waitedMs / 1000);
      return live;
    },
  },
  runners: {
    ...deps.runners,
    listAwake: async () => {
      const awake = await deps.runners.listAwake();
      const now = deps.now();
      const wasteful = withoutWork(
        awake.map((runner) => scheduled(deps.fleets, runner, now)),
        now,
      );
      if (wasteful.length > 0) measure('InstancesWithoutWork', wasteful.length);
      for (const { id: runnerId, instanceId, status } of wasteful) {
        deps.log.warn('An instance is on without work', { runnerId, instanceId, status });
      }
      return awake;
    },
  },
});
