/** Webhook deliveries of a project: the request, the answer, and sending again. */
import { useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { pathOf } from '../../../protocol/endpoints/call.ts';
import { listDeliveries, sendDelivery } from '../../../protocol/endpoints/webhooks.ts';
import { type Delivery, deliveryStatus, type RecordedResponse } from '../../../protocol/index.ts';
import { deliveryPages } from '../../data/queries.ts';
import { call } from '../../data/request.ts';
import { useMay } from '../../data/session.ts';
import { SelectFilter } from '../../shared/filters.tsx';
import { Paged } from '../../shared/paged.tsx';
import { usePages } from '../../shared/use-pages.ts';
import { useAct } from '../../ui/act.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Code } from '../../ui/copy.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Empty } from '../../ui/empty.tsx';
import { Page } from '../../ui/page.tsx';
import type { Column } from '../../ui/table/table.tsx';
import { Ago, formatDuration, Moment } from '../../ui/time.tsx';
import { say } from '../../ui/toast.tsx';
import { TaskLink } from '../tasks/task-columns.tsx';

const looks: Readonly<Record<Delivery['status'], readonly [text: string, tone: Tone]>> = {
  pending: ['Pending', 'warn'],
  delivered: ['Delivered', 'ok'],
  dead: ['Given up', 'bad'],
};

const StatusBadge = ({ status }: { readonly status: Delivery['status'] }): ReactNode => (
  <Badge tone={looks[status][1]} isLive={status === 'pending'}>
    {looks[status][0]}
  </Badge>
);

const heldReasons = {
  earlier_delivery: 'it waits for an earlier delivery about the same task',
  circuit_open: 'its URL failed too often in a row, so sending is paused',
} as const;

const outcomeOf = ({ attempts, held, status }: Delivery): string => {
  if (status === 'pending' && held) return heldReasons[held.reason];
  const last = attempts.at(-1);
  if (!last) return 'not sent yet';
  return last.statusCode === undefined ? (last.error ?? 'no answer') : `HTTP ${last.statusCode}`;
};

export const DeliveriesPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/deliveries' });
  const client = useQueryClient();
  const [status, setStatus] = useState<Delivery['status']>();
  const list = usePages(deliveryPages(projectId, status));
  const [shown, show] = useState<Delivery>();
  const sendAgain = useAct(
    async (one: Delivery) => {
      const sent = await call(sendDelivery, { params: { projectId, deliveryId: one.id } });
      const isDelivered = sent.status === 'delivered';
      say(
        isDelivered ? 'Sent and accepted.' : `Sent; the answer was ${outcomeOf(sent)}.`,
        isDelivered ? 'ok' : 'bad',
      );
      if (shown) show(sent);
    },
    () => client.invalidateQueries({ queryKey: [pathOf(listDeliveries, { projectId })] }),
  );
  const onSend = useMay(projectId, 'manager') ? sendAgain : undefined;
  return (
    <Page
      title="Webhook deliveries"
      lead="Signed events about the start and finish of tasks, sent to the system that starts and stops the instances."
    >
      <search className="filters">
        <SelectFilter
          label="Status"
          value={status}
          onChange={(chosen) => setStatus(deliveryStatus.safeParse(chosen).data)}
          options={deliveryStatus.options.map((one) => ({ value: one, label: looks[one][0] }))}
        />
      </search>
      <Paged
        list={list}
        one="delivery"
        many="deliveries"
        isFiltered={status !== undefined}
        empty={
          <Empty icon="deliveries" title="No delivery yet">
            A delivery is sent when a task needs a sleeping runner, and when the task has ended.
          </Empty>
        }
        label="Webhook deliveries"
        columns={() => columnsFor(show, onSend)}
      />
      {shown && <DeliverySheet delivery={shown} onSend={onSend} onClose={() => show(undefined)} />}
    </Page>
  );
};

const DeliveredTask = ({ delivery: { projectId, taskId } }: { readonly delivery: Delivery }): ReactNode => (
  <TaskLink task={{ projectId, id: taskId }}>{taskId}</TaskLink>
);

const columnsFor = (
  show: (one: Delivery) => void,
  onSend: ((one: Delivery) => void) | undefined,
): Column<Delivery>[] => [
  {
    header: 'Event',
    render: (one) => (
      <>
        <button type="button" className="name-button" onClick={() => show(one)}>
          Task {one.body.action}
        </button>
        <span className="sub">
          <span className="mono num">
            <DeliveredTask delivery={one} />
          </span>
          {one.body.attempt > 1 && `, attempt ${one.body.attempt}`}
        </span>
      </>
    ),
  },
  {
    header: 'Status',
    render: (one) => (
      <>
        <StatusBadge status={one.status} />
        <span className="sub">{outcomeOf(one)}</span>
      </>
    ),
  },
  { header: 'Attempts', align: 'right', from: 'tablet', render: ({ attempts }) => attempts.length },
  { header: 'To', from: 'desktop', render: ({ url }) => <span className="break">{url}</span> },
  { header: 'Created', from: 'tablet', render: ({ createdAt }) => <Ago at={createdAt} /> },
  {
    header: 'Send again',
    isHeaderHidden: true,
    from: 'tablet',
    align: 'right',
    render: (one) =>
      onSend && (
        <Button small icon="repeat" aria-label={`Send again ${one.id}`} onPress={() => onSend(one)}>
          Send again
        </Button>
      ),
  },
];

interface DeliverySheetProps {
  readonly delivery: Delivery;
  /** Absent when the user may not send it again. */
  readonly onSend: ((one: Delivery) => void) | undefined;
  readonly onClose: () => void;
}

const DeliverySheet = ({ delivery, onSend, onClose }: DeliverySheetProps): ReactNode => (
  <Dialog title={`Task ${delivery.body.action}`} onClose={onClose} shape="sheet" dismissable>
    <div className="dialog-body">
      <dl className="facts">
        <dt>Status</dt>
        <dd>
          <StatusBadge status={delivery.status} />
        </dd>
        <dt>Task</dt>
        <dd>
          <DeliveredTask delivery={delivery} />
        </dd>
        <dt>To</dt>
        <dd>{delivery.url}</dd>
      </dl>
      <Code
        label="Request"
        text={`POST ${delivery.url}\nwebhook-id: ${delivery.id}\n\n${JSON.stringify(delivery.body, null, 2)}`}
      />
      <h3>Attempts</h3>
      <Attempts delivery={delivery} />
    </div>
    <footer className="dialog-foot">
      {onSend && (
        <Button look="primary" icon="repeat" onPress={() => onSend(delivery)}>
          Send again
        </Button>
      )}
    </footer>
  </Dialog>
);

const responseText = (statusCode: number | undefined, { headers, body, isCut }: RecordedResponse): string =>
  [
    `HTTP ${statusCode ?? ''}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    `${body === '' ? '(no body)' : body}${isCut ? '\n… cut here: the rest is not kept' : ''}`,
  ].join('\n');

/** Lists the attempts, each with its answer if the control plane kept it. */
const Attempts = ({ delivery }: { readonly delivery: Delivery }): ReactNode =>
  delivery.attempts.length === 0 ? (
    <p className="quiet-text">It has not been sent yet.</p>
  ) : (
    <ol className="rows">
      {delivery.attempts.map((attempt) => (
        <li key={attempt.at}>
          <span>
            {attempt.statusCode === undefined ? 'No answer' : `HTTP ${attempt.statusCode}`}
            {attempt.error && <span className="quiet-text"> · {attempt.error}</span>}
          </span>
          <span className="quiet-text num">
            <Moment at={attempt.at} /> · {formatDuration(attempt.durationMs)}
          </span>
          {attempt.response && (
            <div className="wide">
              <Code label="Response" text={responseText(attempt.statusCode, attempt.response)} />
            </div>
          )}
        </li>
      ))}
    </ol>
  );
