import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIdle, toInstant } from '../../../protocol/index.ts';
import { anyRunner, aRunner, aTaskId } from '../testing.ts';
import { nextStatus, type RunnerEvent, runnerTransitions } from './runner-state.ts';

const events = [...new Set(runnerTransitions.map(({ event }) => event))];

describe('the state of a runner', () => {
  it('goes from asleep to busy and back', () => {
    const trip: [RunnerEvent, string][] = [
      ['wake', 'starting'],
      ['heartbeat', 'online'],
      ['drain', 'draining'],
      ['stop', 'stopping'],
      ['instance_stopped', 'stopped'],
    ];
    let runner = aRunner();
    for (const [event, expected] of trip) {
      const status = nextStatus(runner, event);
      expect(status).toBe(expected);
      if (status) runner = { ...runner, status };
    }
  });

  it('starts again after a stop when work came meanwhile', () => {
    const stopping = aRunner({ status: 'stopping', assigned: [aTaskId()] });
    expect(nextStatus(stopping, 'instance_stopped')).toBe('starting');
  });

  it('is online again when work comes during a drain', () => {
    expect(nextStatus(aRunner({ status: 'draining' }), 'wake')).toBe('online');
  });

  it('starts for a user who wakes it, also after a stop in progress', () => {
    expect(nextStatus(aRunner({ status: 'stopped' }), 'wake')).toBe('starting');
    const noon = toInstant(0);
    const woken = { assigned: [], wokenAt: noon };
    expect(nextStatus(aRunner({ status: 'stopping', ...woken }), 'instance_stopped')).toBe('starting');
    const given = aRunner({ status: 'starting', assigned: [], quarantinedAt: noon });
    expect(nextStatus(given, 'instance_stopped')).toBe('stopped');
  });

  it('never drains or stops while it has running or assigned tasks', () => {
    fc.assert(
      fc.property(anyRunner(), fc.constantFrom<RunnerEvent>('drain', 'stop', 'unwanted'), (runner, event) => {
        if (!isIdle(runner)) expect(nextStatus(runner, event)).toBeUndefined();
      }),
    );
  });

  it('loses no task: after any event a runner with an assigned task is up, starts, or is checked after its stop', () => {
    fc.assert(
      fc.property(anyRunner(), fc.constantFrom(...events), (runner, event) => {
        const status = nextStatus(runner, event);
        if (status === 'stopped') expect(runner.assigned).toEqual([]);
      }),
    );
  });
});
