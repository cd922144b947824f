/** Evaluates DynamoDB's conditions and updates in memory. */
import { isDeepStrictEqual } from 'node:util';
import type { Condition, Update } from '../../lambdas/adapters/expressions.ts';
import type { Item } from '../../lambdas/adapters/table.ts';

const isSet = (value: unknown): value is ReadonlySet<string> => value instanceof Set;

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isSet(value);

const compare = (a: unknown, b: unknown): number | undefined => {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  return undefined;
};

const contains = (value: unknown, member: string): boolean =>
  isSet(value)
    ? value.has(member)
    : Array.isArray(value) || typeof value === 'string'
      ? value.includes(member)
      : false;

/**
 * Evaluates a condition. A comparison with a missing attribute is false, except `<>` (AWS: comparison
 * operators).
 */
const holds = (item: Item | undefined, condition: Condition): boolean => {
  if (condition[0] === 'any') {
    const [, ...some] = condition;
    return some.some((one) => holds(item, one));
  }
  if (condition[0] === 'all') {
    const [, ...all] = condition;
    return all.every((one) => holds(item, one));
  }
  const value = item?.[condition[1]];
  switch (condition[0]) {
    case 'exists':
      return value !== undefined;
    case 'missing':
      return value === undefined;
    case '=':
      return value !== undefined && isDeepStrictEqual(value, condition[2]);
    case '<>':
      return !isDeepStrictEqual(value, condition[2]);
    case 'in':
      return value !== undefined && condition[2].some((one) => isDeepStrictEqual(value, one));
    case 'contains':
      return contains(value, condition[2]);
    case 'lacks':
      return !contains(value, condition[2]);
    case 'partIs':
      return isMap(value) && isDeepStrictEqual(value[condition[2]], condition[3]);
    case 'sizeAtMost':
      return isSet(value) && value.size <= condition[2];
    case 'sizeBelow':
    case 'sizeAtLeast': {
      const limit = item?.[condition[2]];
      if (!isSet(value) || typeof limit !== 'number') return false;
      return condition[0] === 'sizeBelow' ? value.size < limit : value.size >= limit;
    }
    default: {
      const order = compare(value, condition[2]);
      if (order === undefined) return false;
      if (condition[0] === '<') return order < 0;
      if (condition[0] === '<=') return order <= 0;
      return condition[0] === '>' ? order > 0 : order >= 0;
    }
  }
};

export const allHold = (item: Item | undefined, conditions: readonly Condition[]): boolean =>
  conditions.every((condition) => holds(item, condition));

/** Removes attributes without a value, which DynamoDB does not store. */
export const withoutUndefined = (item: Item): Item =>
  Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined));

/** Returns the item after an update, and leaves the previous one unchanged. */
export const updated = (before: Item, update: Update): Item => {
  const after: Item = { ...before, ...update.set };
  for (const [name, value] of Object.entries(update.setIfMissing ?? {})) after[name] = before[name] ?? value;
  for (const name of update.unset ?? []) delete after[name];
  for (const [name, value] of Object.entries(update.add ?? {})) {
    const old = before[name];
    if (typeof value === 'number') after[name] = (typeof old === 'number' ? old : 0) + value;
    else after[name] = new Set([...(isSet(old) ? old : []), ...value]);
  }
  for (const [name, members] of Object.entries(update.take ?? {})) {
    const old = before[name];
    const left = new Set([...(isSet(old) ? old : [])].filter((member) => !members.has(member)));
    after[name] = left.size > 0 ? left : undefined;
  }
  return withoutUndefined(after);
};
