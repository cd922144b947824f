/** Table that retries while DynamoDB throttles, for callers that give up for good after a few 5xx answers. */
import { addMs, type Clock } from '../../protocol/index.ts';
import type { Table } from './table.ts';

/**
 * Errors of throttling:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
 */
const throttling: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'TransactionConflictException',
]);

export const isThrottled = (error: unknown): boolean => error instanceof Error && throttling.has(error.name);

interface Patience {
  readonly now: Clock;
  readonly pause: (ms: number) => Promise<void>;
  /** Maximum time to retry a call, on top of the SDK's own retries. */
  readonly forMs: number;
}

const firstPauseMs = 50;

export const patientTable = (table: Table, { now, pause, forMs }: Patience): Table => {
  const patiently = async <T>(call: () => Promise<T>): Promise<T> => {
    const until = addMs(now(), forMs);
    for (let pauseMs = firstPauseMs; ; pauseMs *= 2) {
      try {
        return await call();
      } catch (error) {
        if (!isThrottled(error) || addMs(now(), pauseMs) > until) throw error;
        await pause(pauseMs);
      }
    }
  };
  return {
    reportUnreadable: (found) => table.reportUnreadable(found),
    get: (key) => patiently(() => table.get(key)),
    batchGet: (keys) => patiently(() => table.batchGet(keys)),
    put: (item, conditions) => patiently(() => table.put(item, conditions)),
    update: (...args) => patiently(() => table.update(...args)),
    remove: (key, conditions) => patiently(() => table.remove(key, conditions)),
    transact: (writes) => patiently(() => table.transact(writes)),
    query: (query) => patiently(() => table.query(query)),
    queryLive: (...args) => table.queryLive(...args),
  };
};
