/** Repairs lost work among the live items, each minute. */
import { randomBytes } from 'node:crypto';
import { awsPriceList } from '../adapters/costs/price-list.ts';
import { integrationStore } from '../adapters/integrations/integrations.ts';
import { pendingEventStore } from '../adapters/integrations/pending-events.ts';
import { invokeSoon } from '../adapters/invoke-soon.ts';
import { passPlaceStore } from '../adapters/pass-places.ts';
import { scheduleStore } from '../adapters/schedules/schedules.ts';
import { watched } from '../adapters/with-metrics.ts';
import { readConfig, variables } from '../config.ts';
import { repairEvents } from '../flows/integrations/process-event.ts';
import { reconcile } from '../flows/reconcile/reconcile.ts';
import { type Repairs, runPasses } from '../flows/reconcile/repairs.ts';
import { repairSchedules } from '../flows/schedules/sync-schedule.ts';
import { followVariables, measure, schedulerVariables, wireFollowing, wireScheduler } from '../wiring.ts';

const config = readConfig(
  followVariables.extend({
    ...schedulerVariables.shape,
    ...variables.pick({ INTEGRATION_EVENTS_ARN: true }).shape,
  }),
  process.env,
);
const following = watched(wireFollowing(config), measure);
const { table, now, newId } = following;
const deps = {
  ...following,
  ...wireScheduler(config),
  integrations: integrationStore(table, { now, newId, randomBytes, apiUrl: config.API_URL }),
  pendingEvents: pendingEventStore(table, { now }),
  workEventSoon: invokeSoon(config.INTEGRATION_EVENTS_ARN),
  schedules: scheduleStore(table, { now, newId }),
  askPrice: awsPriceList(),
  passPlaces: passPlaceStore(table),
};

export const handler = async (): Promise<Repairs> => {
  const { repairs, failures } = await runPasses(deps.log, {
    live: () => reconcile(deps),
    schedules: () => repairSchedules(deps),
    events: () => repairEvents(deps),
  });
  for (const [kind, count] of Object.entries(repairs)) measure('Repairs', count, {}, kind);
  if (failures.length > 0) throw new AggregateError(failures, 'A pass failed; the log says which.');
  return repairs;
};
