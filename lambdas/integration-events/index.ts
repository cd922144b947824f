/** Starts an integration's template for an event that `api` has stored. Lambda retries it after a failure. */
import { randomBytes } from 'node:crypto';
import { integrationStore } from '../adapters/integrations/integrations.ts';
import { eventRef, pendingEventStore } from '../adapters/integrations/pending-events.ts';
import { readConfig } from '../config.ts';
import { workIntegrationEvent } from '../flows/integrations/process-event.ts';
import { causeVariables, wireStartByCause } from '../wiring.ts';

const config = readConfig(causeVariables, process.env);
const causes = wireStartByCause(config);
const { table, now, newId } = causes;
const deps = {
  ...causes,
  integrations: integrationStore(table, { now, newId, randomBytes, apiUrl: config.API_URL }),
  pendingEvents: pendingEventStore(table, { now }),
};

export const handler = (event: unknown): Promise<void> => workIntegrationEvent(deps, eventRef.parse(event));
