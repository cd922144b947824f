import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { iamFile, iamPage } from './iam.ts';

it('lists the roles of the template; `npm run docs:iam` updates the page', () => {
  expect(readFileSync(iamFile, 'utf8')).toBe(iamPage());
});
