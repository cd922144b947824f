import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMs, epochMs } from '../../../protocol/index.ts';
import { noon } from '../testing.ts';
import { bandsOf, daysOf, estimatePolicy, median, spanOf, splitSession } from './usage.ts';

const at = (seconds: number) => addMs(noon, seconds * 1000);
const span = (from: number, to: number) => spanOf(at(from), at(to));

describe('splitSession', () => {
  it('counts the time until the first heartbeat as boot, overlapping tasks once, and the rest as idle', () => {
    const session = { startedAt: at(0), onlineAt: at(20), endedAt: at(100) };
    expect(splitSession(session, [span(30, 50), span(40, 60)], at(500))).toEqual({
      bootingMs: 20_000,
      workingMs: 30_000,
      idleMs: 50_000,
    });
  });

  it('never loses or adds time', () => {
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.nat(1000),
        fc.array(fc.tuple(fc.nat(1500), fc.nat(300)), { maxLength: 8 }),
        (onlineAfter, lasted, tasks) => {
          const session = { startedAt: at(0), onlineAt: at(onlineAfter), endedAt: at(lasted) };
          const spans = tasks.map(([from, length]) => span(from, from + length));
          const { bootingMs, workingMs, idleMs } = splitSession(session, spans, at(5000));
          expect(bootingMs + workingMs + idleMs).toBe(lasted * 1000);
          expect(Math.min(bootingMs, workingMs, idleMs)).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });
});

describe('bandsOf', () => {
  it('returns asleep, waking, busy and idle without gaps', () => {
    const session = { startedAt: at(10), onlineAt: at(30), endedAt: at(90) };
    const bands = bandsOf([session], [span(40, 60)], span(0, 120), at(120));
    expect(bands.map(({ state }) => state)).toEqual(['asleep', 'waking', 'idle', 'busy', 'idle', 'asleep']);
    expect(bands.slice(1).map(({ from }) => from)).toEqual(bands.slice(0, -1).map(({ to }) => to));
    expect([bands[0]?.from, bands.at(-1)?.to]).toEqual([at(0), at(120)]);
  });

  it('shows the tasks of a runner without an instance of ours', () => {
    expect(bandsOf([], [span(10, 20)], span(0, 30), at(30)).map(({ state }) => state)).toEqual([
      'asleep',
      'busy',
      'asleep',
    ]);
  });
});

describe('daysOf', () => {
  it('cuts a window at the midnights of that clock', () => {
    const window = { from: epochMs('2026-01-01T12:00:00.000Z'), to: epochMs('2026-01-02T12:00:00.000Z') };
    expect(daysOf(window, 0).map(({ day }) => day)).toEqual(['2026-01-01', '2026-01-02']);
    const ahead = daysOf(window, 60);
    expect(ahead[1]?.from).toBe(epochMs('2026-01-01T23:00:00.000Z'));
    expect(ahead.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(86_400_000);
  });
});

describe('estimatePolicy', () => {
  const history = { work: [span(0, 60), span(300, 360)], bootMs: 20_000, microUsdPerHour: 3_600_000 };

  it('stops between two tasks when the timeout is shorter than the gap', () => {
    expect(estimatePolicy(history, 90_000)).toEqual({
      idleTimeoutMs: 90_000,
      starts: 2,
      waitedMs: 40_000,
      microUsd: 340_000,
    });
    expect(estimatePolicy(history, undefined)).toEqual({ starts: 2, waitedMs: 40_000, microUsd: 160_000 });
  });

  it('uses the minute that each start bills, and nothing after it, by default', () => {
    const close = { ...history, work: [span(0, 10), span(30, 200), span(220, 230)] };
    expect(estimatePolicy(close, undefined)).toMatchObject({ starts: 2, microUsd: 280_000 });
  });

  it('stays on between two tasks when the timeout is longer', () => {
    expect(estimatePolicy(history, 300_000)).toMatchObject({ starts: 1, microUsd: 680_000 });
  });

  it('bills at least a minute for each start', () => {
    const short = { ...history, work: [span(0, 1)], bootMs: 0 };
    expect(estimatePolicy(short, 0)).toMatchObject({ starts: 1, microUsd: 60_000 });
  });

  it('never starts more often with a longer timeout', () => {
    const works = fc.array(fc.tuple(fc.nat(5000), fc.nat(300)), { maxLength: 10 });
    fc.assert(
      fc.property(works, fc.nat(900_000), fc.nat(900_000), (pairs, a, b) => {
        const work = pairs.map(([from, length]) => span(from, from + length));
        const [shorter, longer] = [Math.min(a, b), Math.max(a, b)].map(
          (timeout) => estimatePolicy({ ...history, work }, timeout).starts,
        );
        expect(longer).toBeLessThanOrEqual(shorter ?? 0);
      }),
    );
  });
});

describe('median', () => {
  it('returns the middle number, and undefined for none', () => {
    expect([median([3, 1, 2]), median([1, 2]), median([])]).toEqual([2, 2, undefined]);
  });
});
