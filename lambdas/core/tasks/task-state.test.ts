import { describe, expect, it } from 'vitest';
import { taskStatus } from '../../../protocol/index.ts';
import { afterLoss, hasEnded, taskSources, taskTransitions } from './task-state.ts';

describe('the state of a task', () => {
  it('never leaves a final status', () => {
    for (const { from } of taskTransitions) expect(from.some(hasEnded)).toBe(false);
  });

  it('can reach a final status from every status', () => {
    for (const status of taskStatus.options.filter((one) => !hasEnded(one))) {
      expect(taskTransitions.some(({ from, to }) => from.includes(status) && hasEnded(to))).toBe(true);
    }
  });

  it('allows a claim only while the task waits', () => {
    expect(taskSources('claim')).toEqual(['waiting']);
  });

  it('allows an immediate stop while the task waits, and one by its runner later', () => {
    expect(taskSources('stop', 'stopped')).toEqual(['waiting']);
    expect(taskSources('stop', 'stopping')).toEqual([
      'starting',
      'running',
      'waiting_confirmation',
      'confirmed',
    ]);
  });
});

describe('afterLoss', () => {
  const task = { status: 'running', attempt: 1, onRunnerLost: 'retry', maxAttempts: 3 } as const;

  it('retries as often as the template allows', () => {
    expect(afterLoss(task)).toBe('waiting');
    expect(afterLoss({ ...task, attempt: 3 })).toBe('error');
    expect(afterLoss({ ...task, onRunnerLost: 'fail' })).toBe('error');
  });

  it('does not rerun a task that a user stopped', () => {
    expect(afterLoss({ ...task, status: 'stopping' })).toBe('stopped');
  });
});
