/**
 * Lets esbuild drop the constants that a bundle does not use.
 *
 * A schema is a chain of calls, and esbuild must assume that a call has effects. So each bundle made every
 * schema of every file that it reads: four in ten of a function's schemas, which nothing reads. In our own
 * sources, to make a constant has no effect but the constant.
 */
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { parseAst } from 'rolldown/parseAst';
import { remembered } from './remembered.ts';

/** Expressions that esbuild keeps although nothing reads their value. */
const makers: ReadonlySet<string> = new Set([
  'ArrayExpression',
  'CallExpression',
  'NewExpression',
  'ObjectExpression',
  'TSAsExpression',
  'TSSatisfiesExpression',
]);

/**
 * Marks the values of the constants at the top of a TypeScript source as free of effects. The mark counts for
 * a call with all its arguments, so each value becomes the result of a function. Lines keep their numbers.
 */
export const withPureConstants = remembered((source) => {
  const values = parseAst(source, { lang: 'ts' }).body.flatMap((statement) => {
    const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declared?.type !== 'VariableDeclaration' || declared.kind !== 'const') return [];
    return declared.declarations.flatMap(({ id, init }) =>
      id.type === 'Identifier' && init && makers.has(init.type) ? [init] : [],
    );
  });
  let marked = source;
  for (const { start, end } of values.reverse())
    marked = `${marked.slice(0, start)}/* @__PURE__ */ (() => (${marked.slice(start, end)}))()${marked.slice(end)}`;
  return marked;
});

/** Marks the constants of our own sources: no package here is written in TypeScript. */
export const pureConstants: Plugin = {
  name: 'pure-constants',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
      contents: withPureConstants(await readFile(path, 'utf8')),
      loader: 'ts',
    }));
  },
};
