import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMs, msBetween } from '../../../protocol/index.ts';
import { anyRunner, aRunner, aTaskId, noon } from '../testing.ts';
import { decideSleep, offersToSleep, staysOnUntil } from './idle-policy.ts';

const session = { id: 'ses_01ARZ3NDEKTSV4RRFFQ69G5FAV', startedAt: noon } as const;
const idle = aRunner({ status: 'online', idleSince: noon });

describe('decideSleep', () => {
  it('stops at once with an idle time of 0, as in the classic set-up', () => {
    expect(decideSleep({ ...idle, session, idleTimeoutMs: 0 }, noon)).toEqual({ sleep: true });
  });

  it('stays on for the idle time, and returns the rest of it', () => {
    expect(decideSleep(idle, addMs(noon, 20_000))).toEqual({ sleep: false, why: 'too_soon', waitMs: 40_000 });
    expect(decideSleep(idle, addMs(noon, 60_000))).toEqual({ sleep: true });
  });

  it('uses the minute that EC2 bills anyway', () => {
    const short = { ...idle, session, idleTimeoutMs: 5_000 };
    expect(decideSleep(short, addMs(noon, 10_000))).toMatchObject({ waitMs: 48_000 });
    expect(decideSleep(short, addMs(noon, 58_000))).toEqual({ sleep: true });
  });

  describe('without an idle timeout', () => {
    const { idleTimeoutMs: _, ...bare } = idle;
    const runningAt = addMs(noon, 15_000);
    const runner = { ...bare, session: { ...session, runningAt } };
    const paidEnd = addMs(runningAt, 58_000);

    it('stays until 2 s before the end of the minute that EC2 bills, so that the stop is in time', () => {
      expect(decideSleep(runner, addMs(paidEnd, -1))).toEqual({ sleep: false, why: 'too_soon', waitMs: 1 });
      expect(decideSleep(runner, paidEnd)).toEqual({ sleep: true });
    });

    it('sleeps at once after a task that ends after that minute, which is billed once', () => {
      const idleSince = addMs(paidEnd, 300_000);
      expect(decideSleep({ ...runner, idleSince }, idleSince)).toEqual({ sleep: true });
    });

    it('counts from the launch while the time of running is unknown, else from coming online', () => {
      expect(staysOnUntil({ ...bare, session })).toBe(addMs(noon, 58_000));
      expect(staysOnUntil({ ...bare, statusSince: runningAt })).toBe(paidEnd);
    });

    it('makes its agent stay for the rest of the minute, and sleep at once after it', () => {
      expect(offersToSleep(runner, addMs(noon, 20_000))).toEqual({ idleTimeoutMs: 0, stayMs: 53_000 });
      expect(offersToSleep(runner, addMs(paidEnd, 5000))).toEqual({ idleTimeoutMs: 0, stayMs: 0 });
      expect(offersToSleep({ ...runner, idleTimeoutMs: 0 }, noon)).toEqual({ idleTimeoutMs: 0 });
    });
  });

  it('never stops a runner that has work', () => {
    const busy = { ...idle, slots: [aTaskId()] };
    expect(decideSleep(busy, addMs(noon, 3_600_000))).toEqual({ sleep: false, why: 'has_work' });
    const awaited = { ...idle, assigned: [aTaskId()] };
    expect(decideSleep(awaited, addMs(noon, 3_600_000))).toEqual({ sleep: false, why: 'has_work' });
  });

  it('never stops a machine that it did not start', () => {
    const { instanceId: _, ...onPremises } = idle;
    expect(decideSleep(onPremises, addMs(noon, 3_600_000))).toMatchObject({ why: 'not_ours' });
  });

  it('sleeps after the returned wait, and not a millisecond before', () => {
    fc.assert(
      fc.property(anyRunner(), fc.nat(600_000), (runner, afterMs) => {
        const now = addMs(noon, afterMs);
        const decision = decideSleep(runner, now);
        if (decision.sleep || decision.why !== 'too_soon') return;
        expect(decision.waitMs).toBeGreaterThan(0);
        expect(decideSleep(runner, addMs(now, decision.waitMs))).toEqual({ sleep: true });
        expect(msBetween(now, addMs(now, decision.waitMs))).toBe(decision.waitMs);
        expect(decideSleep(runner, addMs(now, decision.waitMs - 1)).sleep).toBe(false);
      }),
    );
  });
});
