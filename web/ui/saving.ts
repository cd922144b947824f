/** Savings against machines that are always on, and when it is too early to show them. */

/** Costs in micro-dollars. */
export interface Comparison {
  readonly spent: number;
  /** Undefined when unknown. */
  readonly alwaysOn: number | undefined;
  /** True when nothing is known from before yesterday. */
  readonly isShort: boolean;
}

/**
 * Returns true when a loss is not yet meaningful. EC2 bills at least a minute for each start, so in the first
 * minutes of an instance even one that never sleeps would be cheaper. A loss counts after more than a day.
 */
export const isTooEarly = ({ spent, alwaysOn, isShort }: Comparison): boolean =>
  isShort && alwaysOn !== undefined && alwaysOn < spent;

/** Amount saved; undefined when unknown or too early. */
export const savedOf = (sums: Comparison): number | undefined =>
  sums.alwaysOn === undefined || isTooEarly(sums) ? undefined : sums.alwaysOn - sums.spent;

/** Returns true when nothing counts before yesterday. `days` end today, oldest first. */
export const isShortHistory = <T>(days: readonly T[], counts: (day: T) => boolean): boolean =>
  !days.slice(0, -2).some(counts);
