/** A pass of the reconciler: counts its repairs; a bad item stops no other item, a bad pass no other pass. */
import type { Log, LogLine } from '../../adapters/log.ts';

/** Number of repairs by kind. */
export type Repairs = Record<string, number>;

export type Pass = ReturnType<typeof beginPass>;

export const beginPass = (log: Log) => {
  const repairs: Repairs = {};
  const repaired = (kind: string, about: Parameters<LogLine>[1], level: keyof Log = 'info'): void => {
    repairs[kind] = (repairs[kind] ?? 0) + 1;
    log[level](`Repaired: ${kind}`, about);
  };
  return {
    repairs,
    repaired,

    /** Continues when one repair fails: the next pass retries it, and the others must not wait for it. */
    each: async <T>(of: Iterable<T>, idOf: (one: T) => string, repair: (one: T) => Promise<void>) => {
      for (const one of of) {
        try {
          await repair(one);
        } catch (error) {
          repaired('failed_and_left_for_later', { id: idOf(one), error: String(error) }, 'error');
        }
      }
    },
  };
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
      for (const [kind, count] of Object.entries(await run())) repairs[kind] = (repairs[kind] ?? 0) + count;
    } catch (error) {
      log.error('A pass of the reconciler failed', { pass, error: String(error) });
      failures.push(error);
    }
  }
  return { repairs, failures };
};
