import { afterEach, describe, expect, it } from 'vitest';
import type { DrainResponse } from '../protocol/agent.ts';
import { createIdleMonitor, type IdleMonitor } from './idle-monitor.ts';
import { createHeldTasks } from './task/held-tasks.ts';
import { quiet } from './testing/builders.ts';
import { systemTiming, type Timing } from './timing.ts';

/** Fake time that passes only when told. */
const heldTime = () => {
  let nowMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly act: () => void }>();
  const timing: Timing = {
    ...systemTiming,
    now: () => nowMs,
    after: (ms, act) => {
      const timer = { atMs: nowMs + ms, act };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  /** Resolves when everything that needs no time has run. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const passUntil = async (untilMs: number) => {
    await settle();
    for (;;) {
      const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
      if (!next) break;
      timers.delete(next);
      nowMs = next.atMs;
      next.act();
      await settle();
    }
    nowMs = untilMs;
  };
  return { timing, passUntil };
};

let monitor: IdleMonitor | undefined;
afterEach(() => monitor?.stop());

/** Agent that came online at 0. */
const idleAgent = (stayUntilMs: number, ...answers: DrainResponse[]) => {
  const { timing, passUntil } = heldTime();
  const held = createHeldTasks({ leaseMs: 600_000, timing, onLapse: () => undefined });
  const offeredAt: number[] = [];
  monitor = createIdleMonitor({
    held,
    poller: { pause: async () => ({ slippedIn: false }), resume: () => undefined },
    idleTimeoutMs: () => 0,
    stayUntilMs: () => stayUntilMs,
    drain: async () => {
      offeredAt.push(timing.now());
      return answers.shift() ?? { sleep: true };
    },
    onAsleep: () => undefined,
    onFatal: () => undefined,
    timing,
    log: quiet,
  });
  monitor.start();
  return { held, offeredAt, passUntil };
};

describe('createIdleMonitor', () => {
  it('offers to sleep once the time that its start paid for is used, not earlier', async () => {
    const { offeredAt, passUntil } = idleAgent(45_000);
    await passUntil(120_000);
    expect(offeredAt).toEqual([45_000]);
  });

  it('polls once more after a task that ends later, and then offers', async () => {
    const { held, offeredAt, passUntil } = idleAgent(45_000);
    const task = held.add('prj_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'tsk_01ARZ3NDEKTSV4RRFFQ69G5FAV');
    task.grant(1, 'lease', 0);
    await passUntil(90_000);
    held.remove(task);
    await passUntil(120_000);
    expect(offeredAt).toEqual([91_000]);
  });

  it('offers again after the wait that a refusal names, and after 5 s when there was work', async () => {
    const refusals = [{ sleep: false, waitMs: 12_000 }, { sleep: false }];
    const { offeredAt, passUntil } = idleAgent(20_000, ...refusals);
    await passUntil(120_000);
    expect(offeredAt).toEqual([20_000, 32_000, 37_000]);
  });

  it('offers again within 30 s of a longer wait, as the idle timeout may change', async () => {
    const { offeredAt, passUntil } = idleAgent(20_000, { sleep: false, waitMs: 3_600_000 });
    await passUntil(120_000);
    expect(offeredAt).toEqual([20_000, 50_000]);
  });
});
