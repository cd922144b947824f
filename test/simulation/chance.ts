/** Chance from a seed: the same seed gives the same run. */

export interface Chance {
  /** From 0 to 1, as Math.random. */
  random(): number;
  happens(probability: number): boolean;
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
}

/** Mulberry32: small, fast, and good enough to make different runs. */
export const seededChance = (seed: number): Chance => {
  let state = (seed * 2_654_435_761) >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  return {
    random,
    between,
    happens: (probability) => probability > 0 && random() < probability,
    pick: (from) => from[between(0, from.length - 1)] ?? from[0],
  };
};
