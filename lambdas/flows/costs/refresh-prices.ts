/** Keeps prices of instance types in use: asks AWS's price list for old or missing ones. Safe in parallel. */
import { addMs } from '../../../protocol/index.ts';
import type { AskPrice } from '../../adapters/costs/price-list.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { Deps } from '../deps.ts';

export type PriceDeps = Pick<Deps, 'now' | 'log' | 'prices'> & {
  readonly askPrice: AskPrice;
  /** Region of runners that have none of their own. */
  readonly region: string;
};

/** Lifetime of a price: EC2 prices change rarely. */
const freshMs = 7 * 86_400_000;
/** Wait after a response without a price. */
const retryMs = 3_600_000;

/**
 * Refreshes prices for `awake`: runners whose instance is on, or was recently. Without types it reads
 * nothing.
 */
export const keepPrices = async (
  deps: PriceDeps,
  awake: readonly Pick<RunnerRecord, 'region' | 'instanceType'>[],
): Promise<void> => {
  const inUse = new Map(
    awake.flatMap(({ region = deps.region, instanceType }) =>
      instanceType === undefined ? [] : [[`${region} ${instanceType}`, { region, instanceType }] as const],
    ),
  );
  if (inUse.size === 0) return;
  const now = deps.now();
  for (const type of await deps.prices.listDue([...inUse.values()], now)) {
    if (!(await deps.prices.beginAsking(type, now, addMs(now, retryMs)))) continue;
    try {
      const microUsdPerHour = await deps.askPrice(type);
      deps.log.info('Asked the price list', { ...type, microUsdPerHour });
      if (microUsdPerHour === undefined) continue;
      await deps.prices.keep(type, { microUsdPerHour, asOf: now.slice(0, 10) }, addMs(now, freshMs));
    } catch (error) {
      // Not our error, so not logged as one. The other types are not asked for, as each request would block
      // the function.
      deps.log.warn('The price list cannot be asked', { ...type, error: String(error) });
      return;
    }
  }
};
