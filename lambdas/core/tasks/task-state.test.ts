import { describe, expect, it } from 'vitest';
import { taskStatus } from '../../../protocol/index.ts';
import { afterLoss, hasEnded, taskSources, taskTransitions } from './task-state.ts';

describe('the life of a task', () => {
  it('never leaves an end', () => {
    for (const { from } of taskTransitions) expect(from.some(hasEnded)).toBe(false);
  });

  it('can come to an end from every status', () => {
    for (const status of taskStatus.options.filter((one) => !hasEnded(one))) {
      expect(taskTransitions.some(({ from, to }) => from.includes(status) && hasEnded(to))).toBe(true);
    }
  });

  it('is claimed only while it waits', () => {
    expect(taskSources('claim')).toEqual(['waiting']);
  });

  it('is stopped at once while it waits, and by its runner later', () => {
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

  it('tries again as often as the template allows', () => {
    expect(afterLoss(task)).toBe('waiting');
    expect(afterLoss({ ...task, attempt: 3 })).toBe('error');
    expect(afterLoss({ ...task, onRunnerLost: 'fail' })).toBe('error');
  });

  it('does not run again what a user wanted stopped', () => {
    expect(afterLoss({ ...task, status: 'stopping' })).toBe('stopped');
  });
});
