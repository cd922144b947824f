/** Store of prices from AWS's price list: one item per instance type in use and region. */
import * as z from 'zod';
import { type HourlyPrice, hourlyPrice, type Instant, instant } from '../../../protocol/index.ts';
import type { SessionFacts } from '../../core/costs/cost.ts';
import { type PricedType, type Prices, pricesFrom } from '../../core/costs/prices.ts';
import { recordsOf } from '../records.ts';
import type { SessionStore } from '../runners/sessions.ts';
import { keys, queryAll, type Table } from '../table.ts';

const stored = z.object({
  region: z.string(),
  instanceType: z.string(),
  price: hourlyPrice.optional(),
  askAgainAt: instant,
});

const pricesIn = (found: readonly z.infer<typeof stored>[]): Prices =>
  pricesFrom(
    found.flatMap(({ region, instanceType, price }) => (price ? [{ region, instanceType, ...price }] : [])),
  );

export type PriceStore = ReturnType<typeof priceStore>;

export const priceStore = (table: Table) => ({
  /** Reads all known prices at once. */
  read: async (): Promise<Prices> =>
    pricesIn(recordsOf(table, stored).readAll(await queryAll(table, { pk: keys.prices }))),

  /** Reads the price of one instance type. */
  of: async (region: string, instanceType: string | undefined): Promise<HourlyPrice | undefined> => {
    if (instanceType === undefined) return undefined;
    const item = await table.get(keys.price({ region, instanceType }));
    return pricesIn(recordsOf(table, stored).readAll(item ? [item] : []))(region, instanceType);
  },

  /** Returns the types whose price is unknown or old. */
  listDue: async <T extends PricedType>(types: readonly T[], now: Instant): Promise<T[]> => {
    const known = recordsOf(table, stored).readAll(await table.batchGet(types.map(keys.price)));
    return types.filter(
      (type) =>
        !known.some(
          ({ region, instanceType, askAgainAt }) =>
            region === type.region && instanceType === type.instanceType && askAgainAt > now,
        ),
    );
  },

  /**
   * Reserves the request for a price until then, so that no other function sends it, and a failed one isn't
   * repeated at once. False: another function has it.
   */
  beginAsking: async (
    { region, instanceType }: PricedType,
    now: Instant,
    until: Instant,
  ): Promise<boolean> => {
    const set = { region, instanceType, askAgainAt: until };
    const begun = await recordsOf(table, stored).update(keys.price({ region, instanceType }), { set }, [
      ['any', ['missing', 'askAgainAt'], ['<=', 'askAgainAt', now]],
    ]);
    return begun !== undefined;
  },

  keep: async (type: PricedType, price: HourlyPrice, askAgainAt: Instant): Promise<void> => {
    await recordsOf(table, stored).update(keys.price(type), { set: { price, askAgainAt } }, [
      ['exists', 'pk'],
    ]);
  },
});

/** Stores the known price with each session when it ends, so that later prices don't change past costs. */
export const pricedSessions = (sessions: SessionStore, prices: Pick<PriceStore, 'of'>): SessionStore => ({
  ...sessions,
  put: async (facts: SessionFacts) => {
    const price = await prices.of(facts.region, facts.instanceType);
    await sessions.put({ ...facts, ...(price && { price }) });
  },
});
