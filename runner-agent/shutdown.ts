/** Ends the agent in an orderly way: no new task, time for running tasks, and then an end to them. */

import type { Logger } from './logger.ts';
import type { HeldTasks } from './task/held-tasks.ts';
import type { Timing } from './timing.ts';

export interface Shutdown {
  /** Aborts when the agent is to end. */
  readonly requested: AbortSignal;
  /** Aborts when the agent is to end without waiting for its tasks. */
  readonly immediate: AbortSignal;
}

export interface ShutdownSwitch extends Shutdown {
  /** Requests the end at the first call, and the immediate end at the second. */
  press(): void;
}

export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', act: () => void): unknown;
}

/** Switch that SIGTERM and SIGINT press. */
export const shutdownBySignals = (source: SignalSource): ShutdownSwitch => {
  const requested = new AbortController();
  const immediate = new AbortController();
  const press = () => (requested.signal.aborted ? immediate : requested).abort();
  source.on('SIGTERM', press);
  source.on('SIGINT', press);
  return { requested: requested.signal, immediate: immediate.signal, press };
};

/** Resolves when no task is held, when `ms` have passed, or when `signal` aborts. */
const untilNoneHeld = async (held: HeldTasks, ms: number, timing: Timing, signal?: AbortSignal) => {
  const done = new AbortController();
  const until = signal ? AbortSignal.any([done.signal, signal]) : done.signal;
  void timing.sleep(ms, until).then(() => done.abort());
  while (held.size() > 0 && !until.aborted) await held.changes.next(until);
  done.abort();
};

export interface EndTasksOptions {
  held: HeldTasks;
  shutdown: Shutdown;
  /** Reports to the API that the agent stops taking tasks, before it hands any task back. */
  announce(): Promise<unknown>;
  /** Time that running tasks may continue. */
  graceMs: number;
  /** Time to end and report them after that. */
  reportMs: number;
  timing: Timing;
  log: Logger;
}

/** Resolves when no task is held, or when the time for them is over. */
export const endTasks = async (options: EndTasksOptions) => {
  const { held, shutdown, announce, graceMs, reportMs, timing, log } = options;
  if (held.size() === 0) return;
  log.info(`Waiting up to ${graceMs / 1000} s for ${held.size()} task(s); a second signal ends them now`);
  void announce().then(held.handBack, held.handBack);
  await untilNoneHeld(held, graceMs, timing, shutdown.immediate);
  if (held.size() === 0) return;
  log.warn(`Ending ${held.size()} task(s)`);
  for (const task of held.list()) task.end('shutdown');
  await untilNoneHeld(held, reportMs, timing);
};
