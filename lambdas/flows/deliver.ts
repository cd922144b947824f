/** Webhook deliveries: made once for an event, tried at once, and later again until somebody acknowledges them. */
import type { Delivery, ProjectId, Runner, RunnerId, Task, WebhookAction } from '../../protocol/index.ts';
import type { RunnerRecord } from '../adapters/runners.ts';
import type { TaskRecord } from '../adapters/tasks.ts';
import { acknowledged } from '../adapters/webhook-sender.ts';
import type { Deps } from './deps.ts';

type DeliverDeps = Pick<Deps, 'now' | 'deliveries' | 'sendWebhook' | 'retryWebhook' | 'apiUrl'>;

const ulidOf = (id: string): string => id.slice(id.indexOf('_') + 1);

/** The id says what the delivery is about, so that the same event makes the same delivery. */
export const deliveryIdOf = (task: Pick<Task, 'id' | 'attempt'>, action: WebhookAction, runnerId: RunnerId) =>
  `msg_${ulidOf(task.id)}_${task.attempt}_${action}_${ulidOf(runnerId)}`;

/** Where a runner's events go: its own URL, or the stack's functions. */
const urlOf = (apiUrl: string, runner: Pick<Runner, 'webhookUrl'>, action: WebhookAction): string =>
  runner.webhookUrl ?? `${apiUrl}/webhooks/task-${action}`;

/** Tells a runner's webhook URL that a task starts or has finished. The same event a second time does nothing. */
export const sendEvent = async (
  deps: DeliverDeps,
  action: WebhookAction,
  task: TaskRecord,
  runner: RunnerRecord,
): Promise<void> => {
  const ids = {
    project_id: task.projectId,
    task_id: task.id,
    template_id: task.templateId,
    runner_id: runner.id,
    attempt: task.attempt,
    sent_at: deps.now(),
  };
  const delivery: Delivery = {
    id: deliveryIdOf(task, action, runner.id),
    projectId: task.projectId,
    taskId: task.id,
    runnerId: runner.id,
    url: urlOf(deps.apiUrl, runner, action),
    body: action === 'start' ? { action, ...ids } : { action, ...ids, status: task.status },
    status: 'pending',
    attempts: [],
    createdAt: ids.sent_at,
  };
  if (!(await deps.deliveries.create(delivery))) return;
  const tried = await attempt(deps, delivery, runner.webhookSecret);
  if (tried.status === 'pending') await deps.retryWebhook(delivery);
};

/** Sends a delivery once more and records what came of it; `last` makes a failure final. */
export const attempt = async (
  deps: Pick<DeliverDeps, 'deliveries' | 'sendWebhook'>,
  delivery: Delivery,
  secret: string,
  { last = false } = {},
): Promise<Delivery> => {
  const outcome = await deps.sendWebhook(delivery, secret);
  const failed = last ? 'dead' : 'pending';
  return deps.deliveries.record(delivery, outcome, acknowledged(outcome) ? 'delivered' : failed);
};

export type RetryOutcome = 'settled' | 'failed';

/** One retry of a delivery from the queue. A delivery that is settled, or whose runner is gone, needs none. */
export const retry = async (
  deps: Pick<DeliverDeps, 'deliveries' | 'sendWebhook'> & Pick<Deps, 'runners'>,
  ref: { projectId: ProjectId; id: string },
  options: { last: boolean },
): Promise<RetryOutcome> => {
  const delivery = await deps.deliveries.get(ref.projectId, ref.id);
  if (delivery?.status !== 'pending') return 'settled';
  const runner = await deps.runners.find(delivery.projectId, delivery.runnerId);
  if (!runner) {
    const gone = { at: delivery.createdAt, durationMs: 0, error: 'the runner was removed' };
    await deps.deliveries.record(delivery, gone, 'dead');
    return 'settled';
  }
  const tried = await attempt(deps, delivery, runner.webhookSecret, options);
  return tried.status === 'delivered' ? 'settled' : 'failed';
};

/** Sends a delivery again because a person asked for it. */
export const resend = async (
  deps: DeliverDeps & Pick<Deps, 'runners'>,
  ref: { projectId: ProjectId; id: string },
): Promise<Delivery | undefined> => {
  const found = await deps.deliveries.get(ref.projectId, ref.id);
  const runner = found && (await deps.runners.find(ref.projectId, found.runnerId));
  const delivery = found && runner && (await deps.deliveries.reopen(found));
  if (!delivery) return undefined;
  const tried = await attempt(deps, delivery, runner.webhookSecret);
  if (tried.status === 'pending') await deps.retryWebhook(delivery);
  return tried;
};
