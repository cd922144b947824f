/** Each minute: repairs what was lost among what is live. */
import { readConfig } from '../config.ts';
import { type Repairs, reconcile } from '../flows/reconcile.ts';
import { followVariables, wireFollowing } from '../wiring.ts';

const deps = wireFollowing(readConfig(followVariables, process.env));

export const handler = async (): Promise<Repairs> => reconcile(deps);
