/** Store of circuit breakers, one per failing webhook URL; all functions share it. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { addMs, epochMs, type Instant, instant } from '../../../protocol/index.ts';
import { admit, type Circuit, openAfter } from '../../core/webhooks/circuit.ts';
import { recordsOf } from '../records.ts';
import { keys, type Table } from '../table.ts';

/** Time after which an unused URL's failures are forgotten. */
const memoryMs = 86_400_000;

const stored = z.object({ failures: z.int(), openUntil: instant.optional() });

/** `knownToFail`: a success must be recorded, too. */
export type Admitted =
  | { readonly ok: true; readonly knownToFail: boolean }
  | { readonly ok: false; readonly until: Instant };

export type CircuitStore = ReturnType<typeof circuitStore>;

export const circuitStore = (table: Table) => {
  /** Hashed: the URL may be a secret, and too long for a key. */
  const keyOf = (url: string) => keys.circuit(createHash('sha256').update(url).digest('hex'));
  const expiry = (now: Instant) => Math.floor(epochMs(addMs(now, memoryMs)) / 1000);

  return {
    /** Decides whether a request may be sent to the URL now; after the cool-down one caller at a time may. */
    admit: async (url: string, now: Instant): Promise<Admitted> => {
      const item = await table.get(keyOf(url));
      // An unreadable one counts as none: the next failure makes it again.
      const [circuit]: Circuit[] = recordsOf(table, stored).readAll(item ? [item] : []);
      const admission = admit(circuit, now);
      if (admission.kind === 'send') return { ok: true, knownToFail: (circuit?.failures ?? 0) > 0 };
      if (admission.kind === 'wait') return { ok: false, until: admission.until };
      const isFirst = await table.update(keyOf(url), { set: { openUntil: admission.openUntil } }, [
        ['=', 'openUntil', circuit?.openUntil],
      ]);
      return isFirst ? { ok: true, knownToFail: true } : { ok: false, until: admission.openUntil };
    },

    failed: async (url: string, now: Instant): Promise<void> => {
      const update = { add: { failures: 1 }, set: { expiresAt: expiry(now) } };
      const item = await table.update(keyOf(url), update, []);
      const openUntil = item && openAfter(Number(item.failures), now);
      if (openUntil) await table.update(keyOf(url), { set: { openUntil } }, []);
    },

    succeeded: async (url: string): Promise<void> => {
      await table.update(keyOf(url), { set: { failures: 0, openUntil: undefined } }, [['exists', 'pk']]);
    },
  };
};
