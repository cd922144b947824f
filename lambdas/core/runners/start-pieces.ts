/**
 * Pieces of a batch of starts. EC2 starts all instances of a call or none, so a refused piece is split until
 * only the instances at fault are left.
 *
 *   started    → the piece is done
 *   throttled  → its halves come next: EC2 does not say whether it counts requests or instances
 *   capacity   → its first half comes next, the second last; when a single one is refused, its kind is full
 *   other      → both halves come last, so that pieces without a fault do not wait for them
 */

/** Instance to start. */
export interface Start {
  readonly instanceId: string;
  /** Type and zone: a shortage of capacity concerns one kind. */
  readonly kind: string;
}

export type Piece<T extends Start = Start> = readonly T[];

/** Codes of a shortage: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
const shortages: ReadonlySet<string> = new Set([
  'InsufficientHostCapacity',
  'InsufficientInstanceCapacity',
  'InstanceLimitExceeded',
  'VcpuLimitExceeded',
]);

/** True when other instances of the same type and zone will be refused, too. */
export const isShortage = (awsCode: string): boolean => shortages.has(awsCode);

/** Groups the kinds, so that a half has few of them. */
export const inOrder = <T extends Start>(starts: Piece<T>): Piece<T> =>
  starts.toSorted((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0));

const halves = <T extends Start>(piece: Piece<T>): readonly Piece<T>[] => {
  const middle = Math.ceil(piece.length / 2);
  return [piece.slice(0, middle), piece.slice(middle)].filter(({ length }) => length > 0);
};

/** Returns the pieces after one that EC2 throttled. */
export const afterThrottle = <T extends Start>(piece: Piece<T>, rest: readonly Piece<T>[]) => [
  ...halves(piece),
  ...rest,
];

/** Returns the pieces after one of several instances that EC2 refused without naming those at fault. */
export const afterFault = <T extends Start>(
  piece: Piece<T>,
  rest: readonly Piece<T>[],
  awsCode: string,
): readonly Piece<T>[] => {
  const [first, ...second] = halves(piece);
  if (first && isShortage(awsCode)) return [first, ...rest, ...second];
  return [...rest, ...halves(piece)];
};

/** Removes some starts from all pieces. */
export const without = <T extends Start>(
  pieces: readonly Piece<T>[],
  isRemoved: (start: T) => boolean,
): readonly Piece<T>[] =>
  pieces.map((piece) => piece.filter((start) => !isRemoved(start))).filter(({ length }) => length > 0);
