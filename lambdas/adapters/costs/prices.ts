/** The store of what AWS's price list has said: one item for each instance type that is in use, in each region. */
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
  /** All that is known, by one read. */
  read: async (): Promise<Prices> =>
    pricesIn(recordsOf(table, stored).readAll(await queryAll(table, { pk: keys.prices }))),

  /** Of one instance type. */
  of: async (region: string, instanceType: string | undefined): Promise<HourlyPrice | undefined> => {
    if (instanceType === undefined) return undefined;
    const item = await table.get(keys.price({ region, instanceType }));
    return pricesIn(recordsOf(table, stored).readAll(item ? [item] : []))(region, instanceType);
  },

  /** Those of the types whose price the list was not asked for, or not lately. */
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

  /** Takes the question on until then, so that nobody else asks meanwhile, nor at once again when it fails. False: another has. */
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

/** Has each session keep the price that is known when it ends, so that what is past doesn't change with prices. */
export const pricedSessions = (sessions: SessionStore, prices: Pick<PriceStore, 'of'>): SessionStore => ({
  ...sessions,
  put: async (facts: SessionFacts) => {
    const price = await prices.of(facts.region, facts.instanceType);
    await sessions.put({ ...facts, ...(price && { price }) });
  },
});
