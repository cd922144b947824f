/** States of a runner, from asleep to busy and back. */
import {
  isIdle,
  isPoweredByStack,
  isWanted,
  type Runner,
  type RunnerStatus,
} from '../../../protocol/index.ts';
import { sources, type Transition, target } from '../state-machine.ts';

export type RunnerEvent =
  | 'wake'
  | 'heartbeat'
  | 'drain'
  | 'stop'
  | 'unwanted'
  | 'start_failed'
  | 'silence'
  | 'instance_stopping'
  | 'instance_stopped';

type Guard = 'is_idle' | 'is_wanted' | 'has_instance' | 'has_no_instance';

const awake: readonly RunnerStatus[] = ['starting', 'online', 'draining', 'stopping'];

/**
 * A claim takes a slot only of an `online` runner. `drain`, `stop` and `unwanted` are refused while a slot is
 * taken or a task is assigned. Each is the condition of one write, so work and stop exclude each other in any
 * order.
 */
export const runnerTransitions: readonly Transition<RunnerStatus, RunnerEvent, Guard>[] = [
  { from: ['stopped', 'offline'], event: 'wake', to: 'starting' },
  { from: ['draining'], event: 'wake', to: 'online' },
  { from: ['starting'], event: 'wake', to: 'starting' },
  { from: ['online'], event: 'wake', to: 'online' },
  { from: ['stopping'], event: 'wake', to: 'stopping' },
  { from: ['starting', 'offline', 'stopped'], event: 'heartbeat', to: 'online' },
  { from: ['online'], event: 'drain', when: 'is_idle', to: 'draining' },
  { from: ['draining'], event: 'stop', when: 'is_idle', to: 'stopping' },
  { from: ['starting'], event: 'unwanted', when: 'is_idle', to: 'stopping' },
  { from: ['starting'], event: 'start_failed', when: 'has_instance', to: 'stopping' },
  { from: ['online'], event: 'silence', when: 'has_instance', to: 'stopping' },
  { from: ['starting', 'online', 'draining'], event: 'silence', when: 'has_no_instance', to: 'offline' },
  {
    from: ['starting', 'online', 'draining'],
    event: 'instance_stopping',
    when: 'has_instance',
    to: 'stopping',
  },
  { from: [...awake, 'offline'], event: 'instance_stopped', when: 'is_wanted', to: 'starting' },
  { from: [...awake, 'offline'], event: 'instance_stopped', to: 'stopped' },
];

const holds =
  (runner: Runner) =>
  (guard: Guard): boolean => {
    switch (guard) {
      case 'is_idle':
        return isIdle(runner);
      case 'is_wanted':
        return isWanted(runner) && runner.quarantinedAt === undefined;
      case 'has_instance':
        return isPoweredByStack(runner);
      case 'has_no_instance':
        return !isPoweredByStack(runner);
    }
  };

/** Returns the next status after an event; undefined when it is not allowed now. */
export const nextStatus = (runner: Runner, event: RunnerEvent): RunnerStatus | undefined =>
  target(runnerTransitions, runner.status, event, holds(runner));

export const runnerSources = (event: RunnerEvent, to?: RunnerStatus): RunnerStatus[] =>
  sources(runnerTransitions, event, to);

/** True when the instance may be on, so that the reconciler must check it. */
export const isAwake = (status: RunnerStatus): boolean => awake.includes(status);
