/** Confirmation step of a task: the task keeps its slot while it waits for a person, up to a time limit. */

import type { Timing } from '../timing.ts';
import type { HeldTask } from './held-tasks.ts';

export type Confirmation = 'confirmed' | 'rejected' | 'too_late' | 'ended';

export interface ConfirmationOptions {
  task: Pick<HeldTask, 'decision'>;
  withinMs: number;
  /** Aborts when the task is to end regardless of the decision. */
  end: AbortSignal;
  timing: Pick<Timing, 'after'>;
}

/** Resolves with the first of decision, timeout and end. */
export const waitForConfirmation = async ({
  task,
  withinMs,
  end,
  timing,
}: ConfirmationOptions): Promise<Confirmation> => {
  const settled = new AbortController();
  const first = Promise.withResolvers<Confirmation>();
  const callOff = timing.after(withinMs, () => first.resolve('too_late'));
  if (end.aborted) first.resolve('ended');
  end.addEventListener('abort', () => first.resolve('ended'), { signal: settled.signal });
  void task.decision.then((confirmed) => first.resolve(confirmed ? 'confirmed' : 'rejected'));
  try {
    return await first.promise;
  } finally {
    callOff();
    settled.abort();
  }
};
