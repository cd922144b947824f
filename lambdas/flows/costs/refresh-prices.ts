/** Keeps the prices of what is in use: asks AWS's price list for what was not asked lately. Safe to run twice at once. */
import { addMs } from '../../../protocol/index.ts';
import type { AskPrice } from '../../adapters/costs/price-list.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { Deps } from '../deps.ts';

export type PriceDeps = Pick<Deps, 'now' | 'log' | 'prices'> & {
  readonly askPrice: AskPrice;
  /** Of runners that have none of their own. */
  readonly region: string;
};

/** Prices of EC2 change rarely. */
const freshMs = 7 * 86_400_000;
/** After an answer that was none. */
const retryMs = 3_600_000;

/** `awake` are the runners that have an instance on, or had a moment ago. Without a type among them nothing is read. */
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
      deps.log('Asked the price list', { ...type, microUsdPerHour });
      if (microUsdPerHour === undefined) continue;
      await deps.prices.keep(type, { microUsdPerHour, asOf: now.slice(0, 10) }, addMs(now, freshMs));
    } catch (error) {
      // Not an error of ours, so not called one. Nor are the others asked for, as each would have the function wait.
      deps.log('The price list cannot be asked', { ...type, failure: String(error) });
      return;
    }
  }
};
