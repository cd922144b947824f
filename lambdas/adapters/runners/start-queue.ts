/**
 * Starts that wait for a batch, by region, and the region's lease: its holder alone calls StartInstances
 * there, as EC2 counts calls.
 */
import * as z from 'zod';
import { addMs, type Clock, instant } from '../../../protocol/index.ts';
import { recordsOf } from '../records.ts';
import { keys, type Table } from '../table.ts';
import { fullIdOf, type RunnerRef } from './runner-record.ts';

/** Time after which a lease that was not renewed is free. */
export const startLeaseMs = 20_000;

/** Maximum starts of a batch. EC2 takes 1,000 instances a call, and lets 1,000 start at once. */
export const batchLimit = 500;

const waitingStart = z.object({
  /** `{pool}/{runner's id}` */
  sk: z.string().regex(/^(global|prj_\w+)\/run_\w+$/),
  /** Unique for each time that the runner began to wait. */
  request: z.string(),
});
const startLease = z.object({ holder: z.string().optional(), until: instant.optional() });

/** A runner that waits for a batch. */
export type WaitingStart = z.infer<typeof waitingStart>;

export type StartQueue = ReturnType<typeof startQueue>;

export const startQueue = (table: Table, now: Clock) => {
  const waiting = recordsOf(table, waitingStart);
  const leases = recordsOf(table, startLease);

  return {
    put: async (region: string, runner: RunnerRef, request: string): Promise<void> => {
      await waiting.put({ ...keys.waitingStart(region, fullIdOf(runner)), request });
    },

    /** Lists starts of a region that wait: at most a batch. */
    list: async (region: string): Promise<WaitingStart[]> => {
      const { pk } = keys.waitingStart(region, '');
      return waiting.readAll((await table.query({ pk, limit: batchLimit })).items);
    },

    /** Removes a start that has an outcome, unless the runner has begun to wait again since it was read. */
    remove: async (region: string, { sk, request }: WaitingStart): Promise<void> => {
      await table.remove(keys.waitingStart(region, sk), [['=', 'request', request]]);
    },

    /** Takes the lease of a region, or renews it for its holder. False: another has it. */
    takeLease: async (region: string, holder: string): Promise<boolean> => {
      const until = addMs(now(), startLeaseMs);
      const taken = await leases.update(keys.startLease(region), { set: { holder, until } }, [
        ['any', ['missing', 'until'], ['<=', 'until', now()], ['=', 'holder', holder]],
      ]);
      return taken !== undefined;
    },

    releaseLease: async (region: string, holder: string): Promise<void> => {
      await leases.update(keys.startLease(region), { unset: ['holder', 'until'] }, [['=', 'holder', holder]]);
    },
  };
};
