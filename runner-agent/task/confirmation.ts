/** The confirm step of a task: it keeps its slot while it waits for a person's word, for so long and no longer. */

import type { Timing } from '../timing.ts';
import type { HeldTask } from './held-tasks.ts';

export type Confirmation = 'confirmed' | 'rejected' | 'too_late' | 'ended';

export interface ConfirmationOptions {
  task: Pick<HeldTask, 'decision'>;
  withinMs: number;
  /** The task is to end whatever a person says. */
  end: AbortSignal;
  timing: Pick<Timing, 'after'>;
}

/** Resolves with what came first. */
export const waitForConfirmation = async ({
  task,
  withinMs,
  end,
  timing,
}: ConfirmationOptions): Promise<Confirmation> => {
  const over = new AbortController();
  const first = Promise.withResolvers<Confirmation>();
  const callOff = timing.after(withinMs, () => first.resolve('too_late'));
  if (end.aborted) first.resolve('ended');
  end.addEventListener('abort', () => first.resolve('ended'), { signal: over.signal });
  void task.decision.then((confirmed) => first.resolve(confirmed ? 'confirmed' : 'rejected'));
  try {
    return await first.promise;
  } finally {
    callOff();
    over.abort();
  }
};
