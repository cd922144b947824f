/** Marks of a chart's axis over durations, at units of time instead of powers of ten. */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const steps = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
];
const mostIntervals = 4;

/** Marks from 0 to `largest` or a little beyond, in milliseconds. */
export const durationTicks = (largest: number): number[] => {
  const step =
    steps.find((one) => largest <= one * mostIntervals) ?? Math.ceil(largest / mostIntervals / day) * day;
  const intervals = Math.max(1, Math.ceil(largest / step));
  return Array.from({ length: intervals + 1 }, (_, index) => index * step);
};
