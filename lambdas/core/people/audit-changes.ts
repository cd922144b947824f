/** Changes for the audit trail: each field's old and new value, within limits. */
import type { AuditChange } from '../../../protocol/index.ts';

const longestText = 200;
const mostChanges = 50;
const mostBytes = 8192;
/** Number of characters of a long text before its first difference. */
const lead = 20;

type Leaves = ReadonlyMap<string, string>;

const isGroup = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Lists each single value by its path: `ansible.limit`. A list is one value. */
const leavesOf = (value: unknown, path = ''): [string, string][] => {
  if (value === undefined) return [];
  if (!isGroup(value)) return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, one]) =>
    leavesOf(one, path === '' ? name : `${path}.${name}`),
  );
};

const cut = (text: string, start = 0): string => {
  const end = start + longestText;
  return `${start > 0 ? '…' : ''}${text.slice(start, end)}${end < text.length ? '…' : ''}`;
};

/** Cuts both texts to begin shortly before their first difference, so that it is visible. */
const cutBoth = (from: string, to: string): Pick<AuditChange, 'from' | 'to'> => {
  if (from.length <= longestText && to.length <= longestText) return { from, to };
  const shorter = Math.min(from.length, to.length);
  let same = 0;
  while (same < shorter && from[same] === to[same]) same += 1;
  const start = same <= longestText / 2 ? 0 : same - lead;
  return { from: cut(from, start), to: cut(to, start) };
};

const changeOf = (field: string, from: string | undefined, to: string | undefined): AuditChange => ({
  field: cut(field),
  ...(from !== undefined && to !== undefined
    ? cutBoth(from, to)
    : { from: from && cut(from), to: to && cut(to) }),
});

/** An empty list or text in a body sets nothing. */
const setsNothing = new Set(['', '[]']);

/** Fields of a body that no answer shows are its secrets. This function returns only their names. */
const secretsIn = (body: unknown, before: Leaves, after: Leaves): AuditChange[] =>
  leavesOf(body).flatMap(([field, value]) =>
    before.has(field) || after.has(field) || setsNothing.has(value)
      ? []
      : [{ field: cut(field), isSecret: true as const }],
  );

export interface AuditChanges {
  readonly changes: AuditChange[];
  /** Number of further changes. */
  readonly moreChanges?: number;
}

const bounded = (all: readonly AuditChange[]): AuditChanges => {
  let bytes = 0;
  const fitting = all.slice(0, mostChanges).findIndex((change) => {
    bytes += Buffer.byteLength(JSON.stringify(change));
    return bytes > mostBytes;
  });
  const changes = all.slice(0, fitting === -1 ? mostChanges : fitting);
  return { changes, moreChanges: all.length - changes.length || undefined };
};

/** Compares the API's representation before and after, and names the secrets in the body of the request. */
export const auditChanges = (before: unknown, after: unknown, body: unknown): AuditChanges => {
  const was = new Map(leavesOf(before));
  const is = new Map(leavesOf(after));
  const fields = new Set([...was.keys(), ...is.keys()]);
  const shown = [...fields].flatMap((field) =>
    was.get(field) === is.get(field) ? [] : [changeOf(field, was.get(field), is.get(field))],
  );
  return bounded([...shown, ...secretsIn(body, was, is)]);
};
