import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationOf, type InstanceEvent, type StateName, transition } from './states.ts';

const states = ['pending', 'running', 'stopping', 'stopped', 'shutting-down', 'terminated'] as const;

const stateAfter = (state: StateName, ...events: InstanceEvent[]) =>
  events.reduce<StateName>((now, event) => {
    const next = transition(now, event);
    return typeof next === 'string' ? next : now;
  }, state);

describe('the states of an instance', () => {
  it('go from stopped to running and back', () => {
    expect(stateAfter('stopped', 'start')).toBe('pending');
    expect(stateAfter('stopped', 'start', 'settle')).toBe('running');
    expect(stateAfter('running', 'stop')).toBe('stopping');
    expect(stateAfter('running', 'stop', 'settle')).toBe('stopped');
  });

  it('reject a start while stopping', () => {
    expect(transition('stopping', 'start')).toEqual({ code: 'IncorrectInstanceState' });
  });

  it.each(['pending', 'running'] as const)('accept a start of a %s instance as done', (state) => {
    expect(transition(state, 'start')).toBe(state);
  });

  it('never leave terminated, and always come to rest', () => {
    const events = fc.array(fc.constantFrom<InstanceEvent>('start', 'stop', 'terminate', 'settle'));
    fc.assert(
      fc.property(fc.constantFrom<StateName>(...states), events, (state, steps) => {
        const end = stateAfter(state, ...steps, 'settle');
        expect(durationOf(end, { pendingMs: 1, bootMs: 1, stoppingMs: 1 })).toBeUndefined();
        expect(stateAfter('terminated', ...steps)).toBe('terminated');
      }),
    );
  });
});
