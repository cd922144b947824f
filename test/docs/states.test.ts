import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'vite';
import { expect, it } from 'vitest';
import { runnerTransitions } from '../../lambdas/core/runners/runner-state.ts';
import { taskTransitions } from '../../lambdas/core/tasks/task-state.ts';
import { statesFile, statesPage } from './states.ts';

const root = join(import.meta.dirname, '../..');

/** Functions that ask a state table about an event, or pass one on to such a function. */
const asking = {
  task: ['taskSources', 'decide'],
  runner: ['runnerSources', 'nextStatus', 'stop'],
};

/** Finds the strings in the arguments of calls of these functions. */
const askedIn = (source: string, names: readonly string[]): string[] => {
  const found: string[] = [];
  const visit = (node: unknown, isArgument: boolean): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, value, callee, ...rest } = node as Record<string, unknown>;
    if (isArgument && type === 'Literal' && typeof value === 'string') found.push(value);
    const { name } = (callee ?? {}) as { name?: unknown };
    const isAsked = isArgument || (type === 'CallExpression' && names.includes(String(name)));
    for (const child of [value, callee]) visit(child, isArgument);
    for (const child of Object.values(rest)) visit(child, isAsked);
  };
  visit(parseAst(source, { lang: 'ts' }), false);
  return found;
};

const asked = (names: readonly string[]): string[] =>
  globSync('lambdas/**/*.ts', { cwd: root })
    .filter((file) => !/(\.test|\/testing)\.ts$|\/testing\//.test(file))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .filter((source) => names.some((name) => source.includes(`${name}(`)))
    .flatMap((source) => askedIn(source, names));

const eventsOf = (rows: readonly { readonly event: string }[]) => [
  ...new Set(rows.map(({ event }) => event)),
];

it('draws the states of the code; `npm run docs:states` updates the page', () => {
  expect(readFileSync(statesFile, 'utf8')).toBe(statesPage());
});

it('finds the events of a call, also in a choice', () => {
  const source = "f(a, 'x', b ? 'y' : 'z'); g('u'); c.f('v');";
  expect(askedIn(source, ['f'])).toEqual(['x', 'y', 'z']);
});

it.each([
  ['task', taskTransitions, asking.task],
  ['runner', runnerTransitions, asking.runner],
] as const)('has no event of a %s that no production code asks', (_of, rows, names) => {
  const known = new Set(asked(names));
  expect(eventsOf(rows).filter((event) => !known.has(event))).toEqual([]);
});
