import { describe, expect, it } from 'vitest';
import { addMs } from '../../../protocol/index.ts';
import { type InstanceState, instanceState } from '../../adapters/runners/instance-facts.ts';
import { noon } from '../../core/testing.ts';
import { latestFacts } from './latest-facts.ts';

const instanceId = 'i-0123456789abcdef0';
const described = (state: InstanceState, launchedAt: string | undefined = noon) => ({
  instanceId,
  state,
  instanceType: 't4g.small',
  stack: 'Reveille',
  launchedAt,
  stateReason: undefined,
});
const told = (state: InstanceState, afterMs = 60_000) => ({ instanceId, state, at: addMs(noon, afterMs) });
const stateBy = (...given: Parameters<typeof latestFacts>) => latestFacts(...given)?.state;

describe('latestFacts', () => {
  it('takes the later state of one launch, from either source', () => {
    for (const [index, earlier] of instanceState.options.entries()) {
      for (const later of instanceState.options.slice(index)) {
        expect(stateBy(described(earlier), told(later)), `${earlier} described, ${later} told`).toBe(later);
        expect(stateBy(described(later), told(earlier)), `${later} described, ${earlier} told`).toBe(later);
      }
    }
  });

  it.each([-1000, 0])('drops a stop of %i ms after the launch that EC2 describes', (afterMs) => {
    expect(stateBy(described('running'), told('stopped', afterMs))).toBe('running');
    expect(stateBy(described('pending'), told('stopping', afterMs))).toBe('pending');
  });

  it('accepts a termination whatever EC2 describes, as no launch can follow', () => {
    expect(stateBy(described('running'), told('terminated', -1000))).toBe('terminated');
    expect(stateBy(undefined, told('terminated'))).toBe('terminated');
    expect(stateBy(undefined, told('shutting-down'))).toBe('shutting-down');
  });

  it('returns no state for a running event until EC2 describes the instance', () => {
    expect(stateBy(undefined, told('running'))).toBeUndefined();
  });

  it('prefers a description without a launch time to the event', () => {
    expect(stateBy({ ...described('running'), launchedAt: undefined }, told('stopped'))).toBe('running');
  });
});
