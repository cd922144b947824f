import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { iamFile, iamPage } from './iam.ts';

it('lists the roles as the template has them; `npm run docs:iam` lists them anew', () => {
  expect(readFileSync(iamFile, 'utf8')).toBe(iamPage());
});
