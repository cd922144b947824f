/** Processes a stored event of an integration: it takes effect once, however often it is processed. */
import type { EventResult, IntegrationEvent } from '../../../protocol/index.ts';
import type { IntegrationStore } from '../../adapters/integrations/integrations.ts';
import type {
  EventRef,
  PendingEvent,
  PendingEventStore,
  WorkEventSoon,
} from '../../adapters/integrations/pending-events.ts';
import type { Deps } from '../deps.ts';
import { beginPass, type Repairs } from '../reconcile/repairs.ts';
import { type StartFromTriggerDeps, savedValues, startFromTrigger } from '../tasks/start-from-trigger.ts';

export type WorkEventDeps = StartFromTriggerDeps & {
  readonly integrations: Pick<IntegrationStore, 'get' | 'record'>;
  readonly pendingEvents: Pick<PendingEventStore, 'get' | 'remove'>;
};

const recordOf = ({ id, at, source, deliveryId }: PendingEvent, result: EventResult): IntegrationEvent => ({
  id,
  at,
  source,
  deliveryId,
  ...result,
});

const decide = async (deps: WorkEventDeps, event: PendingEvent): Promise<EventResult> => {
  const { projectId, integrationId, id, at, source, answers } = event;
  // As it is now: an integration that was switched off while the event waited starts nothing.
  const integration = await deps.integrations.get(projectId, integrationId);
  if (!integration) return { outcome: 'refused', detail: 'The integration was removed.' };
  if (!integration.active) return { outcome: 'inactive', detail: 'The integration is not active.' };
  const { templateId, name, secretNames } = integration;
  // The task's id derives from the event's: a crash in the middle and a retry make one task.
  return startFromTrigger(
    deps,
    { kind: 'integration', by: integration, cause: id, at, source },
    {
      ...savedValues(integration),
      templateId,
      survey: answers,
      secretNames,
      message: `Integration ${name}`,
    },
  );
};

/** Starts the task, or records why there is none. Records an error, then throws it. */
export const workIntegrationEvent = async (deps: WorkEventDeps, ref: EventRef): Promise<void> => {
  const event = await deps.pendingEvents.get(ref);
  if (!event) return;
  const settle = (result: EventResult) =>
    deps.integrations.record(event.integrationId, recordOf(event, result));
  try {
    await settle(await decide(deps, event));
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    await settle({
      outcome: 'failed',
      detail: `The task could not be started; Reveille tries again: ${cause}`,
    });
    throw error;
  }
  await deps.pendingEvents.remove(event);
};

export interface RepairEventsDeps extends Pick<Deps, 'log'> {
  readonly integrations: Pick<IntegrationStore, 'record'>;
  readonly pendingEvents: Pick<PendingEventStore, 'listDue' | 'countAsked' | 'remove'>;
  readonly workEventSoon: WorkEventSoon;
}

/** Maximum tries; the wait doubles from one minute, about an hour in total. */
const askedAtMost = 5;
/** Maximum events of a pass; the next pass continues. */
const atMost = 100;

/** Retries events whose invocation was lost, and gives up those that keep failing. Returns counts by kind. */
export const repairEvents = async (deps: RepairEventsDeps): Promise<Repairs> => {
  const { repairs, repaired, each } = beginPass(deps.log);
  const idOf = ({ id }: PendingEvent) => id;
  await each(await deps.pendingEvents.listDue(atMost), idOf, async (event) => {
    const { projectId, id: eventId, integrationId, asked } = event;
    const about = { projectId, integrationId, eventId };
    if (asked >= askedAtMost) {
      const detail = `The task could not be started within an hour. The log of integration-events has the cause under ${eventId}. Fix it, then send the event again.`;
      await deps.integrations.record(integrationId, recordOf(event, { outcome: 'failed', detail }));
      await deps.pendingEvents.remove(event);
      repaired('event_given_up', about);
    } else if (await deps.pendingEvents.countAsked(event)) {
      await deps.workEventSoon({ projectId, eventId });
      repaired('event_asked_again', about);
    }
  });
  return repairs;
};
