import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { statesFile, statesPage } from './states.ts';

it('draws the states of the code; `npm run docs:states` updates the page', () => {
  expect(readFileSync(statesFile, 'utf8')).toBe(statesPage());
});
