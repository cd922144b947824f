import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { load, room } from '../runners/slots.ts';
import { anyRunners, aRunner, aTaskId, noon } from '../testing.ts';
import { canWake, chooseRunner } from './select-runner.ts';

describe('chooseRunner', () => {
  it('prefers an online runner with a free slot to waking a stopped one', () => {
    const online = aRunner({ status: 'online' });
    expect(chooseRunner([aRunner(), online])).toBe(online);
  });

  it('overflows from a full runner to another of the tag', () => {
    const full = aRunner({ status: 'online', slots: [aTaskId()] });
    const stopped = aRunner();
    expect(chooseRunner([full, stopped])).toBe(stopped);
  });

  it('counts the assigned tasks of a waking runner, so that a second task wakes no second one while there is room', () => {
    const starting = aRunner({ status: 'starting', maxParallelTasks: 2, assigned: [aTaskId()] });
    expect(chooseRunner([aRunner({ maxParallelTasks: 2 }), starting])).toBe(starting);
  });

  it('fills the busiest runner that has room, so that the others can sleep', () => {
    const busy = aRunner({ status: 'online', maxParallelTasks: 5, slots: [aTaskId()] });
    expect(chooseRunner([aRunner({ status: 'online', maxParallelTasks: 5 }), busy])).toBe(busy);
  });

  it('never treats a runner without a limit as full', () => {
    const unlimited = aRunner({ status: 'online', maxParallelTasks: 0, slots: [aTaskId(), aTaskId()] });
    expect(chooseRunner([unlimited, aRunner()])).toBe(unlimited);
  });

  it('wakes the cheaper of two stopped runners, and one without a fault first', () => {
    const dear = aRunner({ instanceType: 't4g.large' });
    const cheap = aRunner({ instanceType: 't4g.small' });
    const faulty = aRunner({ instanceType: 't4g.nano', fault: { code: 'x', detail: '', at: noon } });
    expect(chooseRunner([dear, faulty, cheap])).toBe(cheap);
  });

  it('avoids a runner with a low disk until it restarts, and after that if a restart did not help', () => {
    const shortage = { freeMiB: 1, neededMiB: 120, at: noon };
    const filled = { ...shortage, atStart: false };
    expect(chooseRunner([aRunner({ status: 'online', lowDisk: filled })])).toBeUndefined();
    const asleep = aRunner({ lowDisk: filled });
    expect(chooseRunner([asleep])).toBe(asleep);
    expect(chooseRunner([aRunner({ lowDisk: { ...shortage, atStart: true } })])).toBeUndefined();
  });

  it('avoids a draining runner only while it is online', () => {
    for (const drain of [{ drainRequestedAt: noon }, { drainAnnouncedAt: noon }]) {
      expect(chooseRunner([aRunner({ status: 'online', ...drain })])).toBeUndefined();
      const starting = aRunner({ status: 'starting', maxParallelTasks: 2, assigned: [aTaskId()], ...drain });
      expect(chooseRunner([aRunner(), starting])).toBe(starting);
    }
  });

  it('uses a starting runner whose disk a task had filled', () => {
    const lowDisk = { freeMiB: 1, neededMiB: 120, at: noon, atStart: false };
    const starting = aRunner({ status: 'starting', maxParallelTasks: 2, assigned: [aTaskId()], lowDisk });
    expect(chooseRunner([aRunner(), starting])).toBe(starting);
  });

  it('selects none when all are full', () => {
    const busy = aRunner({ status: 'online', slots: [aTaskId()] });
    const promised = aRunner({ status: 'starting', assigned: [aTaskId()] });
    expect(chooseRunner([busy, promised])).toBeUndefined();
  });

  it('never selects an inactive runner, nor a sleeping one that cannot be woken', () => {
    fc.assert(
      fc.property(anyRunners(), (runners) => {
        const chosen = chooseRunner(runners);
        if (!chosen) return;
        expect(chosen.active).toBe(true);
        expect(['stopped', 'offline'].includes(chosen.status) && !canWake(chosen)).toBe(false);
      }),
    );
  });

  it('selects a runner whenever one that can serve has room', () => {
    fc.assert(
      fc.property(anyRunners(), (runners) => {
        const able = runners.filter(
          (runner) => runner.active && (canWake(runner) || !['stopped', 'offline'].includes(runner.status)),
        );
        const chosen = chooseRunner(runners);
        expect(chosen !== undefined).toBe(able.some((runner) => room(runner) > 0));
        if (chosen) expect(room(chosen)).toBeGreaterThan(0);
      }),
    );
  });

  it('wakes no runner while a running or starting one has room', () => {
    fc.assert(
      fc.property(anyRunners(), (runners) => {
        const hasRoomAwake = runners.some(
          (runner) => runner.active && ['online', 'starting'].includes(runner.status) && room(runner) > 0,
        );
        const chosen = chooseRunner(runners);
        if (hasRoomAwake) expect(['online', 'starting']).toContain(chosen?.status);
      }),
    );
  });

  it('does not depend on the order of the runners', () => {
    fc.assert(
      fc.property(anyRunners(), (runners) => {
        expect(chooseRunner([...runners].reverse())?.id).toBe(chooseRunner(runners)?.id);
      }),
    );
  });

  it('wakes just as many runners as the waiting work needs', () => {
    fc.assert(
      fc.property(fc.nat(12), fc.integer({ min: 1, max: 4 }), (tasks, maxParallelTasks) => {
        let runners = Array.from({ length: 12 }, () => aRunner({ maxParallelTasks }));
        for (let task = 0; task < tasks; task++) {
          const chosen = chooseRunner(runners);
          runners = runners.map((runner) =>
            runner === chosen
              ? { ...runner, status: 'starting', assigned: [...runner.assigned, aTaskId()] }
              : runner,
          );
        }
        const woken = runners.filter(({ status }) => status === 'starting');
        expect(woken.length).toBe(Math.ceil(tasks / maxParallelTasks));
        expect(woken.every((runner) => load(runner) <= maxParallelTasks)).toBe(true);
      }),
    );
  });
});
