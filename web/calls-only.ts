/**
 * Leaves out of the endpoint table what no call reads: documentation, and what only the API checks. It is a
 * third of the table, which every page loads a part of.
 */
import { type Plugin, parseAst } from 'vite';

/** Properties of an endpoint that the console does not read. */
const unread = new Set(['operationId', 'access', 'tag', 'summary', 'description', 'problems', 'request']);
/** Functions whose first argument is the description of an answer. */
const answers = new Set(['answer', 'created', 'noContent', 'redirect']);

/** Node of the syntax tree, as far as this reads it (https://github.com/estree/estree). */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly name?: string;
  readonly callee?: Node;
  readonly arguments?: readonly Node[];
  readonly properties?: readonly Node[];
  readonly key?: Node;
}

interface Cut {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value;

const callsIn = (value: unknown): Node[] => {
  if (Array.isArray(value)) return value.flatMap(callsIn);
  if (!isNode(value)) return [];
  const inside = Object.values(value).flatMap(callsIn);
  return value.type === 'CallExpression' ? [value, ...inside] : inside;
};

const cutsOf = ({ callee, arguments: [first] = [] }: Node): Cut[] => {
  if (first === undefined || callee?.name === undefined) return [];
  if (answers.has(callee.name)) return [{ from: first.start, to: first.end, text: "''" }];
  if (callee.name !== 'endpoint') return [];
  const { properties = [] } = first;
  return properties.flatMap(({ key, start }, index) =>
    unread.has(key?.name ?? '')
      ? [{ from: start, to: properties[index + 1]?.start ?? first.end - 1, text: '' }]
      : [],
  );
};

/** Returns the code of a module of the table, without what no call reads. */
export const withoutDocs = (code: string): string =>
  callsIn(parseAst(code))
    .flatMap(cutsOf)
    // From the end, so that places before a cut stay right.
    .sort((a, b) => b.from - a.from)
    .reduce((kept, { from, to, text }) => kept.slice(0, from) + text + kept.slice(to), code);

export const callsOnly = (): Plugin => ({
  name: 'calls-only',
  apply: 'build',
  transform: { filter: { id: /\/protocol\/endpoints\// }, handler: withoutDocs },
});
