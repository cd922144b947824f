import { expect, it } from 'vitest';
import { describeUse } from './references.ts';

it('advises to wait for the end only when a task is among the users', () => {
  expect(describeUse('template', ['schedule "nightly"'])).toBe(
    'The template is used by schedule "nightly". Change or remove that first.',
  );
  expect(describeUse('template', ['schedule "nightly"', 'task tsk_1'])).toBe(
    'The template is used by schedule "nightly", task tsk_1. Change or remove that first, or wait until it has ended.',
  );
});

it('names five of many users', () => {
  const users = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `template "${name}"`);
  expect(describeUse('inventory', users)).toMatch(/template "e", 2 more\. Change or remove that first\.$/);
});
