import { expect, it } from 'vitest';
import { logTo } from '../../adapters/log.ts';
import { type Lane, type LanePlace, runLane, step } from './lane.ts';
import type { Repairs } from './repairs.ts';

const log = logTo(() => undefined);
const names = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => String(from + n).padStart(3, '0'));

/** Runs steps until `turns` repairs have had their turn. */
const runFor = async (
  turns: number,
  makeSteps: (turn: (id: string) => Promise<void>) => Lane['steps'],
  from?: LanePlace,
) => {
  const had: string[] = [];
  const kept: LanePlace[] = [];
  const repairs: Repairs = {};
  const steps = makeSteps(async (id) => void had.push(id));
  const hasTime = () => had.length < turns;
  const place = await runLane({ log, steps, from, hasTime, keep: async (at) => void kept.push(at) }, repairs);
  return { had, kept, place, repairs };
};

const twoSteps = (turn: (id: string) => Promise<void>) => [
  step('first', () => names(1, 20), String, turn),
  step('second', () => names(1, 20).reverse(), String, turn),
];

it('stops when its time is over, and goes on there until the end', async () => {
  const begun = await runFor(12, twoSteps);
  expect(begun.had).toEqual(names(1, 12));
  expect(begun.place).toEqual({ step: 'first', after: '012' });
  expect(begun.kept).toEqual([begun.place]);
  const next = await runFor(15, twoSteps, begun.place);
  expect(next.had).toEqual([...names(13, 20), ...names(1, 7)]);
  expect(next.place).toEqual({ step: 'second', after: '007' });
  const last = await runFor(100, twoSteps, next.place);
  expect(last.had).toEqual(names(8, 20));
  expect([last.place, last.kept]).toEqual([undefined, []]);
});

it('makes one repair although there is no time, so that each pass goes on', async () => {
  expect(await runFor(0, twoSteps)).toMatchObject({ had: ['001'], place: { step: 'first', after: '001' } });
  const late = await runFor(0, twoSteps, { step: 'second', after: '020' });
  expect(late).toMatchObject({ had: [], place: undefined });
});

it('begins at the first step when an earlier version stopped at a step that is gone', async () => {
  const { had } = await runFor(100, twoSteps, { step: 'renamed', after: '010' });
  expect(had).toEqual([...names(1, 20), ...names(1, 20)]);
});

it('goes on with the others when one repair fails, and when a step cannot be listed', async () => {
  const { had, place, repairs } = await runFor(100, (turn) => [
    step('unlisted', () => Promise.reject(new Error('throttled')), String, turn),
    step(
      'listed',
      () => names(1, 3),
      String,
      async (id) => {
        await turn(id);
        if (id === '002') throw new Error('a bad item');
      },
    ),
  ]);
  expect(had).toEqual(names(1, 3));
  expect(place).toBeUndefined();
  expect(repairs).toEqual({ failed_and_left_for_later: 2 });
});

it('comes back to a repair that left a part of its own work for later', async () => {
  const parts = (turn: (id: string) => Promise<void>) => [
    step(
      'limits',
      () => names(1, 3),
      String,
      (id, pass) => pass.each(['a', 'b', 'c'], String, (part) => turn(`${id}${part}`)),
    ),
  ];
  const { had, place } = await runFor(4, parts);
  expect(had).toContain('001a');
  expect(had).not.toContain('003c');
  expect(place).toEqual({ step: 'limits', after: '' });
});

it('keeps its place before the repairs under way have ended: one of them may hang', async () => {
  let isOver = false;
  const kept = new Promise<LanePlace>((resolve) => {
    const hanging = step(
      'hangs',
      () => names(1, 30),
      String,
      async (id) => {
        if (id === '001') return new Promise<void>(() => {});
        if (id === '015') isOver = true;
      },
    );
    const keep = async (place: LanePlace) => resolve(place);
    void runLane({ log, steps: [hanging], from: undefined, hasTime: () => !isOver, keep }, {});
  });
  const { after } = await kept;
  expect(after >= '015').toBe(true);
});
