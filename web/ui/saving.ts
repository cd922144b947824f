/** What sleeping saved against machines that are always on, and when it is too early to tell. */

/** Sums in micro-dollars. */
export interface Comparison {
  readonly spent: number;
  /** Undefined: nobody can say. */
  readonly alwaysOn: number | undefined;
  /** Whether nothing is known from before yesterday. */
  readonly isShort: boolean;
}

/**
 * EC2 bills a minute at least for each start, so in the first minutes of an instance even one that never sleeps would have
 * been cheaper. A loss counts when there is more than a day to go by.
 */
export const isTooEarly = ({ spent, alwaysOn, isShort }: Comparison): boolean =>
  isShort && alwaysOn !== undefined && alwaysOn < spent;

/** Undefined: nobody can say, or not yet. */
export const savedOf = (sums: Comparison): number | undefined =>
  sums.alwaysOn === undefined || isTooEarly(sums) ? undefined : sums.alwaysOn - sums.spent;

/** Of days up to today, oldest first: whether nothing counts before yesterday. */
export const isShortHistory = <T>(days: readonly T[], counts: (day: T) => boolean): boolean =>
  !days.slice(0, -2).some(counts);
