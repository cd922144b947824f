/** Each minute: repairs what was lost among what is live. */
import { watched } from '../adapters/measured.ts';
import { awsPriceList } from '../adapters/price-list.ts';
import { readConfig } from '../config.ts';
import { repairSchedules } from '../flows/keep-schedule.ts';
import { type Repairs, reconcile } from '../flows/reconcile.ts';
import { followVariables, measure, schedulerVariables, wireFollowing, wireScheduler } from '../wiring.ts';

const config = readConfig(followVariables.extend(schedulerVariables.shape), process.env);
const deps = watched(
  { ...wireFollowing(config), ...wireScheduler(config), askPrice: awsPriceList() },
  measure,
);

export const handler = async (): Promise<Repairs> => {
  const repairs = { ...(await reconcile(deps)), ...(await repairSchedules(deps)) };
  for (const [kind, count] of Object.entries(repairs)) measure('Repairs', count, {}, kind);
  return repairs;
};
