/** Cache whose values expire, so that a worker does not read them for each request. */
import { type Clock, epochMs } from '../../protocol/index.ts';

export interface TtlCache<T> {
  /** Returns the remembered value, else the result of `find`; does not remember a failure. */
  readonly find: (name: string, find: () => Promise<T>) => Promise<T>;
  /** Replaces the remembered value. */
  readonly replace: (name: string, value: Promise<T>) => Promise<T>;
}

export const ttlCache = <T>(now: Clock, forMs: number): TtlCache<T> => {
  const remembered = new Map<string, { readonly value: Promise<T>; readonly sinceMs: number }>();
  const replace: TtlCache<T>['replace'] = (name, value) => {
    remembered.set(name, { value, sinceMs: epochMs(now()) });
    value.catch(() => remembered.delete(name));
    return value;
  };
  return {
    replace,
    find: (name, find) => {
      const known = remembered.get(name);
      const isFresh = known !== undefined && epochMs(now()) - known.sinceMs < forMs;
      return isFresh ? known.value : replace(name, find());
    },
  };
};
