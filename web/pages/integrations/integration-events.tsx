/** Latest events of an integration, and the outcome of each. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { EventOutcome, Integration, IntegrationEvent } from '../../../protocol/index.ts';
import { integrationEventsQuery } from '../../data/starts.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Ago } from '../../ui/time.tsx';

const outcomes: Readonly<Record<EventOutcome, readonly [text: string, tone: Tone]>> = {
  received: ['Received', 'info'],
  started: ['Started', 'ok'],
  duplicate: ['Duplicate', 'idle'],
  not_matched: ['Did not match', 'idle'],
  inactive: ['Was inactive', 'idle'],
  bad_signature: ['Bad signature', 'bad'],
  not_json: ['Not JSON', 'bad'],
  refused: ['Refused', 'bad'],
  failed: ['Failed', 'bad'],
};

interface IntegrationEventsProps {
  readonly integration: Integration;
  readonly onClose: () => void;
}

export const IntegrationEvents = ({ integration, onClose }: IntegrationEventsProps): ReactNode => {
  const { projectId, id, name } = integration;
  const query = useQuery(integrationEventsQuery(projectId, id));
  return (
    <Dialog title={`Last events of ${name}`} onClose={onClose} shape="sheet" dismissable>
      <div className="dialog-body">
        <Loaded query={query}>{(events) => <Events projectId={projectId} events={events} />}</Loaded>
      </div>
    </Dialog>
  );
};

interface EventsProps {
  readonly projectId: string;
  readonly events: readonly IntegrationEvent[];
}

const Events = ({ projectId, events }: EventsProps): ReactNode =>
  events.length === 0 ? (
    <p className="quiet-text">
      No events in the last 30 days. Give the URL to the sender, and send a test event.
    </p>
  ) : (
    <ol className="rows">
      {events.map(({ id: eventId, at, outcome, detail, taskId, source, deliveryId }) => (
        <li key={eventId}>
          <span>
            <Badge tone={outcomes[outcome][1]}>{outcomes[outcome][0]}</Badge>{' '}
            {taskId && (
              <Link to="/projects/$projectId/tasks/$taskId" params={{ projectId, taskId }}>
                the task
              </Link>
            )}
          </span>
          <span className="quiet-text num">
            <Ago at={at} />
          </span>
          <span className="wide break">{detail}</span>
          <span className="wide quiet-text small-text break">
            {[source && `from ${source}`, deliveryId && `delivery ${deliveryId}`].filter(Boolean).join(', ')}
          </span>
        </li>
      ))}
    </ol>
  );
