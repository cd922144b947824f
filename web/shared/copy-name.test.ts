import { expect, it } from 'vitest';
import { copyName } from './copy-name.ts';

it.each([
  ['Deploy', ['Deploy'], 'Deploy (copy)'],
  ['Deploy', ['Deploy', 'Deploy (copy)'], 'Deploy (copy 2)'],
  ['Deploy (copy)', ['Deploy', 'Deploy (copy)', 'Deploy (copy 2)'], 'Deploy (copy 3)'],
  ['Deploy (copy 2)', ['Deploy (copy 2)'], 'Deploy (copy)'],
])('a copy of "%s" beside %j is "%s"', (name, taken, expected) => {
  expect(copyName(name, taken)).toBe(expected);
});
