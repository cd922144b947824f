import { expect, it } from 'vitest';
import { faultsIn } from './english.ts';

const long = `/** Reads ${'a word '.repeat(20)}. */`;

it.each([
  ['/** What a claim looks at. */', '"What"'],
  ['/**\n * Whoever holds the lease.\n */', '"Whoever"'],
  ['// The runner is started anew.', '"anew"'],
  [long, '110 columns'],
])('finds what is wrong with %j', (text, fault) => {
  expect(faultsIn('a.ts', text).join()).toContain(fault);
});

it('accepts a subject, a verb, and strings of any length', () => {
  const text = `/** Maximum tasks examined per claim. */\nconst maxCandidates = '${'a '.repeat(80)}';`;
  expect(faultsIn('a.ts', text)).toEqual([]);
});
