/** Webhook deliveries of a project: the request, the answer, and sending again. */
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { pathOf } from '../../../protocol/endpoints/call.ts';
import { listDeliveries, sendDelivery } from '../../../protocol/endpoints/webhooks.ts';
import { type Delivery, deliveryStatus, type RecordedResponse } from '../../../protocol/index.ts';
import { messageOf } from '../../data/problem-text.ts';
import { deliveriesQuery } from '../../data/queries.ts';
import { call } from '../../data/request.ts';
import { useMay } from '../../data/session.ts';
import { Loading } from '../../layout/loading.tsx';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Code } from '../../ui/copy.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Empty } from '../../ui/empty.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Page } from '../../ui/page.tsx';
import { Table } from '../../ui/table.tsx';
import { Ago, formatDuration, Moment } from '../../ui/time.tsx';
import { say } from '../../ui/toast.tsx';

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
  const isManager = useMay(projectId, 'manager');
  const [status, setStatus] = useState<Delivery['status']>();
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    deliveriesQuery(projectId, status),
  );
  const [shown, show] = useState<Delivery>();
  const all = data?.pages.flatMap(({ items }) => items) ?? [];
  const sendAgain = async (one: Delivery) => {
    try {
      const sent = await call(sendDelivery, { params: { projectId, deliveryId: one.id } });
      say(
        sent.status === 'delivered' ? 'Sent and accepted.' : `Sent; the answer was ${outcomeOf(sent)}.`,
        sent.status === 'delivered' ? 'ok' : 'bad',
      );
      if (shown) show(sent);
    } catch (failure) {
      say(messageOf(failure), 'bad');
    }
    await client.invalidateQueries({ queryKey: [pathOf(listDeliveries, { projectId })] });
  };
  return (
    <Page
      title="Webhook deliveries"
      lead="Signed events about the start and finish of tasks, sent to the system that starts and stops the instances."
    >
      <search className="filters">
        <select
          aria-label="Status"
          value={status ?? ''}
          onChange={({ target }) => setStatus(deliveryStatus.safeParse(target.value).data)}
        >
          <option value="">Status: all</option>
          {deliveryStatus.options.map((one) => (
            <option key={one} value={one}>
              {looks[one][0]}
            </option>
          ))}
        </select>
      </search>
      {error && <Notice kind="bad">{messageOf(error)}</Notice>}
      {!data && !error && <Loading />}
      {data && all.length === 0 && (
        <Empty icon="deliveries" title={status || hasNextPage ? 'No matching delivery' : 'No delivery yet'}>
          {status || hasNextPage
            ? `No match among the deliveries searched${hasNextPage ? '. There are older ones.' : '.'}`
            : 'A delivery is sent when a task needs a sleeping runner, and when the task has ended.'}
        </Empty>
      )}
      {all.length > 0 && (
        <Table
          label="Webhook deliveries"
          items={all}
          keyOf={({ id }) => id}
          columns={[
            {
              header: 'Event',
              render: (one) => (
                <>
                  <button type="button" className="name-button" onClick={() => show(one)}>
                    Task {one.body.action}
                  </button>
                  <span className="sub">
                    <Link
                      to="/projects/$projectId/tasks/$taskId"
                      params={{ projectId, taskId: one.taskId }}
                      className="mono num"
                    >
                      {one.taskId}
                    </Link>
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
            {
              header: 'To',
              from: 'desktop',
              render: ({ url }) => <span className="break">{url}</span>,
            },
            { header: 'Created', from: 'tablet', render: ({ createdAt }) => <Ago at={createdAt} /> },
            {
              header: 'Send again',
              isHeaderHidden: true,
              from: 'tablet',
              align: 'right',
              render: (one) =>
                isManager && (
                  <Button
                    small
                    icon="repeat"
                    aria-label={`Send again ${one.id}`}
                    onPress={() => sendAgain(one)}
                  >
                    Send again
                  </Button>
                ),
            },
          ]}
        />
      )}
      {hasNextPage && (
        <div className="table-foot">
          <Button onPress={() => fetchNextPage()} isPending={isFetchingNextPage}>
            Show older deliveries
          </Button>
        </div>
      )}
      {shown && (
        <Dialog title={`Task ${shown.body.action}`} onClose={() => show(undefined)} shape="sheet" dismissable>
          <div className="dialog-body">
            <dl className="facts">
              <dt>Status</dt>
              <dd>
                <StatusBadge status={shown.status} />
              </dd>
              <dt>Task</dt>
              <dd>
                <Link to="/projects/$projectId/tasks/$taskId" params={{ projectId, taskId: shown.taskId }}>
                  {shown.taskId}
                </Link>
              </dd>
              <dt>To</dt>
              <dd>{shown.url}</dd>
            </dl>
            <Code
              label="Request"
              text={`POST ${shown.url}\nwebhook-id: ${shown.id}\n\n${JSON.stringify(shown.body, null, 2)}`}
            />
            <h3>Attempts</h3>
            <Attempts delivery={shown} />
          </div>
          <footer className="dialog-foot">
            {isManager && (
              <Button look="primary" icon="repeat" onPress={() => sendAgain(shown)}>
                Send again
              </Button>
            )}
          </footer>
        </Dialog>
      )}
    </Page>
  );
};

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
