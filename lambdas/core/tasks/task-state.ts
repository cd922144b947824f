/** States of a task. */
import type { Task, TaskStatus } from '../../../protocol/index.ts';
import { sources, type Transition } from '../state-machine.ts';

export type TaskEvent =
  | 'claim'
  | 'output'
  | 'finish'
  | 'stop'
  | 'await_confirmation'
  | 'confirm'
  | 'reject'
  | 'hand_back'
  | 'lose_retry'
  | 'lose_fail';

/** Statuses of a task that its user wants to run: it can be stopped, and rerun when its runner is lost. */
const active: readonly TaskStatus[] = ['starting', 'running', 'waiting_confirmation', 'confirmed'];
const held: readonly TaskStatus[] = [...active, 'rejected', 'stopping'];

export const taskTransitions: readonly Transition<TaskStatus, TaskEvent, never>[] = [
  { from: ['waiting'], event: 'claim', to: 'starting' },
  { from: ['starting'], event: 'output', to: 'running' },
  // An agent applies a plan only once it is confirmed, and ends a task as stopped only when it is told to.
  { from: ['starting', 'running', 'confirmed', 'stopping'], event: 'finish', to: 'success' },
  { from: held, event: 'finish', to: 'error' },
  { from: ['stopping', 'rejected'], event: 'finish', to: 'stopped' },
  { from: ['waiting'], event: 'stop', to: 'stopped' },
  { from: active, event: 'stop', to: 'stopping' },
  { from: ['starting', 'running'], event: 'await_confirmation', to: 'waiting_confirmation' },
  { from: ['waiting_confirmation'], event: 'confirm', to: 'confirmed' },
  { from: ['waiting_confirmation'], event: 'reject', to: 'rejected' },
  { from: active, event: 'hand_back', to: 'waiting' },
  { from: active, event: 'lose_retry', to: 'waiting' },
  { from: active, event: 'lose_fail', to: 'error' },
  { from: ['stopping', 'rejected'], event: 'lose_fail', to: 'stopped' },
];

export const taskSources = (event: TaskEvent, to?: TaskStatus): TaskStatus[] =>
  sources(taskTransitions, event, to);

export { hasEnded } from '../../../protocol/index.ts';

/** True when a runner has the task. */
export const isHeldStatus = (status: TaskStatus): boolean => held.includes(status);

/** Way in which a runner lost a task that had not ended. */
export type Loss = 'lost' | 'handed_back';

/**
 * Decides about a task that its runner doesn't end, by its template's settings. Attempts that were handed
 * back don't count.
 */
export const afterLoss = (
  task: Pick<Task, 'status' | 'attempt'> & {
    onRunnerLost: 'retry' | 'fail';
    maxAttempts: number;
    handBacks?: number;
  },
  loss: Loss = 'lost',
): TaskStatus => {
  if (task.status === 'stopping' || task.status === 'rejected') return 'stopped';
  if (loss === 'handed_back') return 'waiting';
  const counted = task.attempt - (task.handBacks ?? 0);
  return task.onRunnerLost === 'retry' && counted < task.maxAttempts ? 'waiting' : 'error';
};
