import fc from 'fast-check';
import { ulid } from 'ulid';
import { describe, expect, it } from 'vitest';
import { addMs, type CostReport, type ProjectId, type RunnerId } from '../../../protocol/index.ts';
import { aProjectId, aRunner, aTaskId, noon } from '../testing.ts';
import type { SessionFacts } from './cost.ts';
import { costReport } from './cost-report.ts';
import { pricesFrom, tableAsOf, tablePrices } from './prices.ts';
import { sum } from './sum.ts';

const runner = {
  ...aRunner({ instanceType: 't4g.small', name: 'sydney-1' }),
  region: 'us-east-1',
};
const facts = {
  id: 'ses_01ARZ3NDEKTSV4RRFFQ69G5FAV',
  runnerId: runner.id,
  projectId: aProjectId,
  instanceId: 'i-0123456789abcdef0',
  instanceType: 't4g.small',
  region: 'us-east-1',
  startedAt: noon,
  busyMs: 0,
} as const;

describe('costReport', () => {
  const now = addMs(noon, 36_000_000);
  const window = { from: noon, to: now };
  const session = { ...facts, endedAt: addMs(noon, 3_600_000), busyMs: 1_000 };

  it('compares the spending with machines that never sleep', () => {
    expect(costReport(window, [runner], [session], [], tablePrices, now)).toMatchObject({
      spentMicroUsd: 16_800,
      alwaysOnMicroUsd: 168_000,
      savedMicroUsd: 151_200,
    });
  });

  it("charges a project for a global runner by its tasks' shares, including always-on cost", () => {
    const { projectId: _, ...global } = runner;
    const { projectId: __, ...globalSession } = session;
    const task = {
      id: 'tsk_1',
      runnerId: runner.id,
      claimedAt: noon,
      finishedAt: addMs(noon, 250),
    };
    const report = costReport(window, [global], [globalSession], [task], tablePrices, now);
    expect(report).toMatchObject({ spentMicroUsd: 4_200, alwaysOnMicroUsd: 42_000 });
    expect(report.tasks).toEqual([{ taskId: 'tsk_1', runnerId: runner.id, microUsd: 4_200 }]);
  });

  it('omits a global runner that the project did not use', () => {
    const { projectId: _, ...global } = runner;
    const { projectId: __, ...globalSession } = session;
    expect(costReport(window, [global], [globalSession], [], tablePrices, now)).toMatchObject({
      spentMicroUsd: 0,
      runners: [],
      sessions: [],
    });
  });

  it("charges a task to its runner's last session before the claim, although EC2 reports ends in whole seconds", () => {
    const later = {
      ...session,
      id: 'ses_01ARZ3NDEKTSV4RRFFQ69G5FAX',
      startedAt: addMs(noon, 7_200_000),
      endedAt: addMs(noon, 10_800_000),
    } as const;
    const task = {
      id: 'tsk_1',
      runnerId: runner.id,
      claimedAt: addMs(noon, 3_600_500),
      finishedAt: addMs(noon, 3_601_500),
    };
    const report = costReport(window, [runner], [later, session], [task], tablePrices, now);
    expect(report.tasks).toEqual([{ taskId: 'tsk_1', runnerId: runner.id, microUsd: 16_800 }]);
  });

  it('lists the types without a price', () => {
    const unpriced = { ...session, instanceType: 'x9.mega' };
    const mega = { instanceType: 'x9.mega', region: 'us-east-1' };
    expect(costReport(window, [runner], [unpriced], [], tablePrices, now).unpriced).toEqual([mega]);
    const idle = { ...runner, instanceType: 'x9.mega' };
    expect(costReport(window, [idle], [], [], tablePrices, now).unpriced).toEqual([mega]);
    expect(costReport(window, [idle], [unpriced, unpriced], [], tablePrices, now).unpriced).toEqual([mega]);
  });

  it('returns the oldest date of the prices used', () => {
    const listed = [
      { region: 'us-east-1', instanceType: 't4g.small', microUsdPerHour: 20_000, asOf: '2026-11-28' },
    ];
    const report = costReport(window, [runner], [session], [], pricesFrom(listed), now);
    expect(report).toMatchObject({
      pricesAsOf: '2026-11-28',
      spentMicroUsd: 20_000,
      alwaysOnMicroUsd: 200_000,
    });
    expect(costReport(window, [runner], [session], [], tablePrices, now).pricesAsOf).toBe(tableAsOf);
    const kept = { ...session, price: { microUsdPerHour: 1, asOf: '2026-05-30' } };
    expect(costReport(window, [runner], [kept], [], pricesFrom(listed), now).pricesAsOf).toBe('2026-05-30');
  });

  it('counts an instance that was on throughout the window by its time there', () => {
    const day = { from: addMs(noon, 86_400_000), to: addMs(noon, 2 * 86_400_000) };
    const { endedAt: _, ...open } = session;
    expect(costReport(day, [runner], [open], [], tablePrices, day.to)).toMatchObject({
      spentMicroUsd: 403_200,
      alwaysOnMicroUsd: 403_200,
      savedMicroUsd: 0,
      runners: [{ sessions: 1, runSeconds: 86_400, billedSeconds: 86_400, alwaysOnSeconds: 86_400 }],
    });
  });

  it('adds up over consecutive windows to the bill of all', () => {
    const seconds = (n: number) => addMs(noon, n * 1000);
    const { projectId: _, ...global } = aRunner({ instanceType: 't3.medium', createdAt: seconds(0) });
    const sized = (cost: CostReport) => ({
      spent: cost.spentMicroUsd,
      own: cost.runners.filter(({ runnerId }) => runnerId === runner.id),
      shares: sum(cost.tasks.map(({ microUsd }) => microUsd)),
    });
    const totals = (costs: readonly CostReport[]) => {
      const all = costs.map(sized);
      const own = all.flatMap((one) => one.own);
      return {
        spent: sum(all.map(({ spent }) => spent)),
        shares: sum(all.map(({ shares }) => shares)),
        alwaysOn: sum(own.map(({ alwaysOnMicroUsd }) => alwaysOnMicroUsd)),
        seconds: sum(own.map(({ runSeconds }) => runSeconds)),
        billed: sum(own.map(({ billedSeconds }) => billedSeconds)),
        alwaysOnSeconds: sum(own.map(({ alwaysOnSeconds }) => alwaysOnSeconds)),
      };
    };
    const moment = fc.integer({ min: 0, max: 2_000_000 });
    /** Sessions of one runner in sequence, each with tasks that began in it. The last may be open. */
    const lives = fc.array(
      fc.record({
        pauseMs: fc.nat(100_000),
        lastedMs: fc.nat(300_000),
        runs: fc.array(fc.record({ afterMs: fc.nat(300_000), runMs: fc.nat(400_000) }), { maxLength: 3 }),
      }),
      { maxLength: 5 },
    );
    const anyLife = fc.record({ lives, isOpen: fc.boolean() });
    type Life = typeof anyLife extends fc.Arbitrary<infer L> ? L : never;
    const play = (of: { id: RunnerId; projectId?: ProjectId }, life: Life) => {
      let atMs = 0;
      const played = life.lives.map(({ pauseMs, lastedMs, runs }, index) => {
        const startMs = atMs + pauseMs + 1;
        atMs = startMs + lastedMs;
        const isOpen = life.isOpen && index === life.lives.length - 1;
        const tasks = runs.map(({ afterMs, runMs }) => {
          const claimedMs = startMs + Math.min(afterMs, lastedMs);
          return {
            id: aTaskId(),
            runnerId: of.id,
            claimedAt: addMs(noon, claimedMs),
            finishedAt: addMs(noon, claimedMs + runMs),
          };
        });
        const busyMs = sum(runs.map(({ runMs }) => runMs));
        const its: SessionFacts = {
          id: `ses_${ulid(1_700_000_000_000 + index)}`,
          runnerId: of.id,
          projectId: of.projectId,
          instanceId: 'i-0123456789abcdef0',
          instanceType: of.projectId ? 't4g.small' : 't3.medium',
          region: 'us-east-1',
          startedAt: addMs(noon, startMs),
          endedAt: isOpen ? undefined : addMs(noon, atMs),
          busyMs,
        };
        return { its, tasks };
      });
      return { sessions: played.map(({ its }) => its), tasks: played.flatMap(({ tasks }) => tasks) };
    };
    fc.assert(
      fc.property(anyLife, anyLife, fc.array(moment, { maxLength: 6 }), (ownLife, globalLife, cuts) => {
        const present = seconds(2_200);
        const own = play(runner, ownLife);
        const shared = play(global, globalLife);
        const bill = (fromMs: number, toMs: number) =>
          costReport(
            { from: addMs(noon, fromMs), to: addMs(noon, toMs) },
            [runner, { ...global, region: 'us-east-1' }],
            [...own.sessions, ...shared.sessions],
            [...own.tasks, ...shared.tasks],
            tablePrices,
            present,
          );
        const edges = [0, ...cuts.sort((a, b) => a - b), 2_200_000];
        const parts = edges.slice(1).map((to, index) => bill(edges[index] ?? 0, to));
        expect(totals(parts)).toEqual(totals([bill(0, 2_200_000)]));
      }),
    );
  });
});
