import { expect, it } from 'vitest';
import { watchClock } from './clock-skew.ts';

it('warns how far the clock is off, and ignores a correct clock', () => {
  const said: string[] = [];
  const hear = watchClock({ now: () => 1_000_000 }, { warn: (line) => said.push(line) });
  hear(1_000_000 - 20_000);
  expect(said).toEqual([]);
  hear(1_000_000 + 240_000);
  expect(said).toEqual([expect.stringContaining("240 s behind the API's: set it by NTP")]);
});
