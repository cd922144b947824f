import { expect, it } from 'vitest';
import { formatDuration } from './time.tsx';

it('formats durations in at most two units, and zero in seconds', () => {
  expect([0, 850, 9400, 12_000, 200_000, 7_500_000, 352_800_000].map(formatDuration)).toEqual([
    '0 s',
    '850 ms',
    '9.4 s',
    '12 s',
    '3 min 20 s',
    '2 h 5 min',
    '4 d 2 h',
  ]);
});
