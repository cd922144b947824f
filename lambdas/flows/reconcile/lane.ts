/**
 * A lane of a pass: steps one after the other, the repairs of a step several at a time. A lane that runs out
 * of time tells its place, and the next pass goes on there, so that what stands last has its turn as well.
 */
import type { Log } from '../../adapters/log.ts';
import { addRepairs, beginPass, type Pass, type Repairs } from './repairs.ts';

/** Item of a step. */
interface Work {
  /** Place within the step, which sorts as text and is the same in the next pass. */
  readonly key: string;
  /** Id for the log. */
  readonly id: string;
  readonly repair: (pass: Pass) => Promise<void>;
}

export interface Step {
  readonly name: string;
  /** Makes the list of repairs once the step has its turn. */
  readonly work: () => Promise<readonly Work[]>;
}

/** Makes a step of items. `keyOf`: see `Work`; by default the id. */
export const step = <T>(
  name: string,
  items: () => readonly T[] | Promise<readonly T[]>,
  idOf: (one: T) => string,
  repair: (one: T, pass: Pass) => Promise<void>,
  keyOf = idOf,
): Step => ({
  name,
  work: async () => {
    const all = (await items()).map((one) => ({
      key: keyOf(one),
      id: idOf(one),
      repair: (pass: Pass) => repair(one, pass),
    }));
    return all.sort((a, b) => (a.key < b.key ? -1 : 1));
  },
});

/** Last item that had its turn. */
export interface LanePlace {
  readonly step: string;
  readonly after: string;
}

export interface Lane {
  readonly log: Log;
  readonly steps: readonly Step[];
  /** Where the previous pass stopped; undefined: at the end. */
  readonly from: LanePlace | undefined;
  /** False once the rest must wait for the next pass. Each pass makes at least one repair. */
  readonly hasTime: () => boolean;
  /** Records where the lane stopped, before repairs under way have ended: one of them may never end. */
  readonly keep: (place: LanePlace) => Promise<void>;
}

/** Number of repairs at a time. */
const atOnce = 10;

/** Runs a lane, and adds its repairs to `repairs`. Returns where it stopped; undefined: at the end. */
export const runLane = async (lane: Lane, repairs: Repairs): Promise<LanePlace | undefined> => {
  const { log, steps, from, hasTime } = lane;
  let isFresh = true;
  const first = steps.findIndex(({ name }) => name === from?.step);
  for (const { name, work } of steps.slice(Math.max(0, first))) {
    const after = name === from?.step ? from.after : '';
    if (!isFresh && !hasTime()) return stopAt(lane, { step: name, after });
    const whole = beginPass(log);
    let left: readonly Work[] = [];
    await whole.attempt(name, async () => {
      left = (await work()).filter(({ key }) => key > after);
    });
    addRepairs(repairs, whole.repairs);
    const place = await runStep(lane, { step: name, after }, left, isFresh, repairs);
    if (place) return place;
    isFresh &&= left.length === 0;
  }
  return undefined;
};

const stopAt = async ({ keep }: Lane, place: LanePlace): Promise<LanePlace> => {
  await keep(place);
  return place;
};

/** Runs the items of a step, `atOnce` at a time, in their order. */
const runStep = async (
  lane: Lane,
  { step: name, after }: LanePlace,
  items: readonly Work[],
  isFresh: boolean,
  repairs: Repairs,
): Promise<LanePlace | undefined> => {
  let next = 0;
  let place: LanePlace | undefined;
  const stopBefore = async (index: number) => {
    const at = { step: name, after: items[index - 1]?.key ?? after };
    if (place && place.after <= at.after) return;
    place = at;
    await lane.keep(at);
  };
  const work = async (): Promise<void> => {
    for (let item = items[next]; item && !place; item = items[next]) {
      if (!(isFresh && next === 0) && !lane.hasTime()) return stopBefore(next);
      const index = next++;
      const pass = beginPass(lane.log, lane.hasTime);
      const { repair } = item;
      await pass.attempt(item.id, () => repair(pass));
      addRepairs(repairs, pass.repairs);
      if (pass.wasCut()) await stopBefore(index);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return place;
};
