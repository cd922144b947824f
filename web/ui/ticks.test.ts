import { expect, it } from 'vitest';
import { durationTicks } from './ticks.ts';
import { roughDuration } from './time.tsx';

const minutes = (count: number) => count * 60_000;

it('marks an axis of durations at whole seconds, minutes, hours or days, up to the largest', () => {
  const marks = (ms: number) => durationTicks(ms).map(roughDuration);
  expect(marks(0)).toEqual(['0 s', '1 s']);
  expect(marks(29_800)).toEqual(['0 s', '10 s', '20 s', '30 s']);
  expect(marks(minutes(53))).toEqual(['0 s', '15 min', '30 min', '45 min', '1 h']);
  expect(marks(minutes(61))).toEqual(['0 s', '30 min', '1 h', '1.5 h']);
  expect(marks(minutes(60 * 21))).toEqual(['0 s', '6 h', '12 h', '18 h', '24 h']);
  expect(marks(minutes(60 * 24 * 9))).toEqual(['0 s', '72 h', '144 h', '216 h']);
});
