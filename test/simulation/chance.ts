/** Random numbers from a seed: the same seed gives the same run. */
import { seeded } from '../../local/seeded.ts';

export interface Chance {
  /** Returns a number from 0 to 1, like Math.random. */
  random(): number;
  happens(probability: number): boolean;
  /** Returns a whole number, both ends included. */
  between(least: number, most: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
}

/** Makes random numbers from a seed; neighbouring seeds give unrelated numbers. */
export const seededChance = (seed: number): Chance => {
  const random = seeded((seed * 2_654_435_761) >>> 0);
  const between = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  return {
    random,
    between,
    happens: (probability) => probability > 0 && random() < probability,
    pick: (from) => from[between(0, from.length - 1)] ?? from[0],
  };
};
