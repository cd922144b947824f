import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { statesFile, statesPage } from './states.ts';

it('draws the states as the code has them; `npm run docs:states` draws them anew', () => {
  expect(readFileSync(statesFile, 'utf8')).toBe(statesPage());
});
