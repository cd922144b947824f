/** State machine as a table of rows. */
export interface Transition<Status extends string, Event extends string, Guard extends string> {
  readonly from: readonly Status[];
  readonly event: Event;
  readonly when?: Guard;
  readonly to: Status;
}

/** Returns the statuses in which an event may happen: the condition of a write. */
export const sources = <S extends string, E extends string, G extends string>(
  table: readonly Transition<S, E, G>[],
  event: E,
  to?: S,
): S[] => [
  ...new Set(
    table
      .filter((row) => row.event === event && (to === undefined || row.to === to))
      .flatMap((row) => row.from),
  ),
];

/** Returns the next status after an event under a guard; undefined when it is not allowed. */
export const target = <S extends string, E extends string, G extends string>(
  table: readonly Transition<S, E, G>[],
  from: S,
  event: E,
  holds: (guard: G) => boolean = () => true,
): S | undefined =>
  table.find(
    (row) => row.event === event && row.from.includes(from) && (row.when === undefined || holds(row.when)),
  )?.to;
