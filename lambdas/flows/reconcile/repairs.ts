/** A pass of the reconciler: counts its repairs; a bad item stops no other item, a bad pass no other pass. */
import type { Log, LogLine } from '../../adapters/log.ts';

/** Number of repairs by kind. */
export type Repairs = Record<string, number>;

export type Pass = ReturnType<typeof beginPass>;

/** `hasTime`: false once the pass must leave the rest to the next one. */
export const beginPass = (log: Log, hasTime: () => boolean = () => true) => {
  const repairs: Repairs = {};
  let wasCut = false;
  const repaired = (kind: string, about: Parameters<LogLine>[1], level: keyof Log = 'info'): void => {
    repairs[kind] = (repairs[kind] ?? 0) + 1;
    log[level](`Repaired: ${kind}`, about);
  };
  /** Continues when a repair fails: the next pass retries it, and the others must not wait for it. */
  const attempt = async (id: string, repair: () => Promise<void>): Promise<void> => {
    try {
      await repair();
    } catch (error) {
      repaired('failed_and_left_for_later', { id, error: String(error) }, 'error');
    }
  };
  return {
    repairs,
    repaired,
    attempt,

    /** Makes one repair after the other while there is time; the first one always. */
    each: async <T>(of: Iterable<T>, idOf: (one: T) => string, repair: (one: T) => Promise<void>) => {
      let isFirst = true;
      for (const one of of) {
        if (!isFirst && !hasTime()) {
          wasCut = true;
          return;
        }
        isFirst = false;
        await attempt(idOf(one), () => repair(one));
      }
    },

    /** True when `each` left something for the next pass. */
    wasCut: () => wasCut,
  };
};

/** Adds the repairs of one pass to those of another. */
export const addRepairs = (to: Repairs, more: Repairs): void => {
  for (const [kind, count] of Object.entries(more)) to[kind] = (to[kind] ?? 0) + count;
};

/** Runs each pass by its name, despite failures of others, and returns their repairs and errors. */
export const runPasses = async (
  log: Log,
  passes: Readonly<Record<string, () => Promise<Repairs>>>,
): Promise<{ readonly repairs: Repairs; readonly failures: readonly unknown[] }> => {
  const repairs: Repairs = {};
  const failures: unknown[] = [];
  for (const [pass, run] of Object.entries(passes)) {
    try {
      addRepairs(repairs, await run());
    } catch (error) {
      log.error('A pass of the reconciler failed', { pass, error: String(error) });
      failures.push(error);
    }
  }
  return { repairs, failures };
};
