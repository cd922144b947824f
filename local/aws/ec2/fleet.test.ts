import { beforeEach, describe, expect, it } from 'vitest';
import { makeFleet, type StateChange } from './fleet.ts';
import type { Instance } from './store.ts';

/** A clock whose timers run when the test advances it, and machines that record the calls they get. */
const aFixture = (instances: Instance[] = []) => {
  const timers: { atMs: number; run: () => void }[] = [];
  const clock = { nowMs: 0 };
  const changes: StateChange[] = [];
  const power: string[] = [];
  const saved: Instance[] = [];
  const off = Promise.withResolvers<void>();
  const fleet = makeFleet({
    instances,
    delays: { pendingMs: 100, bootMs: 50, stoppingMs: 200 },
    now: () => new Date(clock.nowMs),
    after: (ms, run) => {
      const timer = { atMs: clock.nowMs + ms, run };
      timers.push(timer);
      return () => timers.splice(timers.indexOf(timer), 1);
    },
    machineOf: ({ id }) => ({
      killAgent: () => false,
      powerOn: (bootMs) => power.push(`on ${id} ${bootMs}`),
      powerOff: (graceMs) => {
        power.push(`off ${id} ${graceMs}`);
        return off.promise;
      },
      freeze: () => power.push(`freeze ${id}`),
      pullPlug: () => {},
    }),
    save: (all) => saved.splice(0, saved.length, ...all),
    onChange: (change) => changes.push(change),
  });
  /** Advances the clock, then runs the timers that are due. */
  const pass = async (ms: number) => {
    clock.nowMs += ms;
    for (const due of timers.filter(({ atMs }) => atMs <= clock.nowMs)) {
      timers.splice(timers.indexOf(due), 1);
      due.run();
    }
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  return { clock, changes, power, saved, off, fleet, pass };
};

const anInstance = (state: Instance['state']): Instance => ({
  id: 'i-00000000000000001',
  region: 'us-east-1',
  instanceType: 't4g.small',
  imageId: 'ami-1',
  state,
  launchTime: '2026-01-01T00:00:00.000Z',
  tags: {},
});

describe('the fleet', () => {
  let fixture: ReturnType<typeof aFixture>;
  beforeEach(() => {
    fixture = aFixture([anInstance('stopped')]);
  });
  const stateNow = () => fixture.fleet.list()[0]?.state;

  it('starts after the pending time, and boots once running', async () => {
    fixture.fleet.change(fixture.fleet.list(), 'start');
    expect(stateNow()).toBe('pending');
    await fixture.pass(99);
    expect(stateNow()).toBe('pending');
    await fixture.pass(1);
    expect(stateNow()).toBe('running');
    expect(fixture.power).toEqual(['on i-00000000000000001 50']);
    expect(fixture.saved).toEqual(fixture.fleet.list());
    expect(fixture.changes.map(({ instance }) => instance.state)).toEqual(['pending', 'running']);
  });

  it('becomes stopped when the stopping time is over and the machine is off', async () => {
    fixture = aFixture([anInstance('running')]);
    fixture.fleet.change(fixture.fleet.list(), 'stop');
    await fixture.pass(300);
    expect(stateNow()).toBe('stopping');
    fixture.off.resolve();
    await fixture.pass(0);
    expect(stateNow()).toBe('stopped');
    expect(fixture.fleet.list()[0]?.stateReason?.code).toBe('Client.UserInitiatedShutdown');
    expect(fixture.power).toEqual(['off i-00000000000000001 2000']);
  });

  it('changes no instance when the state of one forbids it', () => {
    const fleet = fixture.fleet;
    fleet.create({ ...anInstance('stopping'), id: 'i-00000000000000002' });
    expect(() => fleet.change(fleet.list(), 'start')).toThrow("'i-00000000000000002' is not in a state");
    expect(stateNow()).toBe('stopped');
  });

  it('sets a new launch time at each start', () => {
    fixture.clock.nowMs = 1000;
    fixture.fleet.change(fixture.fleet.list(), 'start');
    expect(fixture.fleet.list()[0]?.launchTime).toBe('1970-01-01T00:00:01.000Z');
  });

  it.each([
    ['running', 'running'],
    ['pending', 'running'],
    ['stopping', 'stopped'],
  ] as const)('resumes an instance that was %s as %s', async (before, then) => {
    fixture = aFixture([anInstance(before)]);
    fixture.off.resolve();
    fixture.fleet.resume();
    await fixture.pass(200);
    expect(stateNow()).toBe(then);
    expect(fixture.power.some((step) => step.startsWith('on'))).toBe(then === 'running');
  });
});
