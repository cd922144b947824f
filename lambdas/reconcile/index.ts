/** Each minute: repairs what was lost among what is live. */
import { watched } from '../adapters/measured.ts';
import { readConfig } from '../config.ts';
import { type Repairs, reconcile } from '../flows/reconcile.ts';
import { followVariables, measure, wireFollowing } from '../wiring.ts';

const deps = watched(wireFollowing(readConfig(followVariables, process.env)), measure);

export const handler = async (): Promise<Repairs> => {
  const repairs = await reconcile(deps);
  for (const [kind, count] of Object.entries(repairs)) measure('Repairs', count, {}, kind);
  return repairs;
};
