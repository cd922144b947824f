import { afterEach, describe, expect, it } from 'vitest';
import type { DrainResponse } from '../protocol/agent.ts';
import { createIdleMonitor, type IdleMonitor } from './idle-monitor.ts';
import { createHeldTasks } from './task/held-tasks.ts';
import { quiet } from './testing/builders.ts';
import { virtualTime } from './testing/virtual-time.ts';

let monitor: IdleMonitor | undefined;
afterEach(() => monitor?.stop());

/** Agent that came online at 0. */
const idleAgent = (stayUntilMs: number, ...answers: DrainResponse[]) => {
  const { timing, pass } = virtualTime();
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
  return { held, offeredAt, pass };
};

describe('createIdleMonitor', () => {
  it('offers to sleep once the time that its start paid for is used, not earlier', async () => {
    const { offeredAt, pass } = idleAgent(45_000);
    await pass(120_000);
    expect(offeredAt).toEqual([45_000]);
  });

  it('polls once more after a task that ends later, and then offers', async () => {
    const { held, offeredAt, pass } = idleAgent(45_000);
    const task = held.add('prj_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'tsk_01ARZ3NDEKTSV4RRFFQ69G5FAV');
    task.grant(1, 'lease', 0);
    await pass(90_000);
    held.remove(task);
    await pass(30_000);
    expect(offeredAt).toEqual([91_000]);
  });

  it('offers again after the wait that a refusal names, and after 5 s when there was work', async () => {
    const refusals = [{ sleep: false, waitMs: 12_000 }, { sleep: false }];
    const { offeredAt, pass } = idleAgent(20_000, ...refusals);
    await pass(120_000);
    expect(offeredAt).toEqual([20_000, 32_000, 37_000]);
  });

  it('offers again within 30 s of a longer wait, as the idle timeout may change', async () => {
    const { offeredAt, pass } = idleAgent(20_000, { sleep: false, waitMs: 3_600_000 });
    await pass(120_000);
    expect(offeredAt).toEqual([20_000, 50_000]);
  });
});
