/** Webhook deliveries: made once for an event, attempted in turn, and retried until acknowledged. */
import {
  type Delivery,
  epochMs,
  type HeldDelivery,
  type Instant,
  type ProjectId,
  type Runner,
  type RunnerId,
  type Task,
  type WebhookAction,
} from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { holdSeconds, isHeldTooLong, statusAfter, turnAfter } from '../../core/webhooks/retry-policy.ts';
import type { Deps } from '../deps.ts';

/** Dependencies for sending a webhook. */
export type DeliverDeps = Pick<
  Deps,
  'now' | 'deliveries' | 'circuits' | 'sendWebhook' | 'retryWebhook' | 'apiUrl'
>;

const ulidOf = (id: string): string => id.slice(id.indexOf('_') + 1);

/** Returns an id made of the delivery's subject, so that the same event makes the same delivery. */
export const deliveryIdOf = (task: Pick<Task, 'id' | 'attempt'>, action: WebhookAction, runnerId: RunnerId) =>
  `msg_${ulidOf(task.id)}_${task.attempt}_${action}_${ulidOf(runnerId)}`;

/** Returns the URL for a runner's events: its own URL, or the stack's functions. */
const urlOf = (apiUrl: string, runner: Pick<Runner, 'webhookUrl'>, action: WebhookAction): string =>
  runner.webhookUrl ?? `${apiUrl}/webhooks/task-${action}`;

/**
 * Notifies a runner's webhook URL that a task starts or has finished. A repeated event does nothing, unless
 * it is a start that wakes the runner (since `wokenAt`) and was settled before: the machine that it started
 * is gone since.
 */
export const sendEvent = async (
  deps: DeliverDeps,
  action: WebhookAction,
  task: TaskRecord,
  runner: RunnerRecord,
  { wokenAt }: { readonly wokenAt?: Instant } = {},
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
  const made = (await deps.deliveries.create(delivery))
    ? delivery
    : wokenAt && (await sendAgain(deps, delivery, wokenAt));
  if (!made) return;
  const tried = await attemptInTurn(deps, made, runner);
  if (tried?.status === 'pending') await deps.retryWebhook(made);
};

/** Makes another delivery with its own id, as receivers ignore known ids, once for each wake. */
const sendAgain = async (
  { deliveries }: Pick<DeliverDeps, 'deliveries'>,
  delivery: Delivery,
  wokenAt: Instant,
): Promise<Delivery | undefined> => {
  const before = await deliveries.get(delivery.projectId, delivery.id);
  if (before?.status === 'pending') return undefined;
  const again = { ...delivery, id: `${delivery.id}_${epochMs(wokenAt)}` };
  return (await deliveries.create(again)) ? again : undefined;
};

/** Number of earlier attempts that still matter for the order. */
const attemptsInOrder = 20;

/** Ids of the earlier deliveries to the same runner: previous attempts, and a start before its finish. */
const predecessorsOf = ({ taskId, runnerId, body }: Delivery): string[] => {
  const idOf = (attempt: number, action: WebhookAction) =>
    deliveryIdOf({ id: taskId, attempt }, action, runnerId);
  const earlier: string[] = [];
  for (let attempt = Math.max(1, body.attempt - attemptsInOrder); attempt < body.attempt; attempt += 1) {
    earlier.push(idOf(attempt, 'start'), idOf(attempt, 'finish'));
  }
  return body.action === 'finish' ? [...earlier, idOf(body.attempt, 'start')] : earlier;
};

const isSentAgain = ({ id, taskId, runnerId, body }: Delivery): boolean =>
  body.action === 'start' && id !== deliveryIdOf({ id: taskId, attempt: body.attempt }, 'start', runnerId);

/** A start after its finish would keep a machine on without need. */
const hasFinish = async (
  { deliveries }: Pick<DeliverDeps, 'deliveries'>,
  { projectId, taskId, runnerId, body }: Delivery,
): Promise<boolean> => {
  const finishId = deliveryIdOf({ id: taskId, attempt: body.attempt }, 'finish', runnerId);
  return (await deliveries.get(projectId, finishId)) !== undefined;
};

/** Makes one attempt if it is the delivery's turn; otherwise delays it without counting an attempt. */
const attemptInTurn = async (
  deps: Omit<DeliverDeps, 'apiUrl'>,
  delivery: Delivery,
  runner: RunnerRecord,
  { tries = 0, last = false } = {},
): Promise<Delivery | undefined> => {
  const now = deps.now();
  const hold = async (held: HeldDelivery): Promise<undefined> => {
    if (isHeldTooLong(delivery, now)) {
      const error = 'It waited for a day and was never its turn.';
      await deps.deliveries.record(delivery, { at: now, durationMs: 0, error }, 'dead');
      return undefined;
    }
    if (!(await deps.deliveries.hold(delivery, held))) return undefined;
    await deps.retryWebhook(delivery, { delaySeconds: holdSeconds(now, held.until), tries });
    return undefined;
  };
  const earlier = predecessorsOf(delivery);
  if (earlier.length > 0 && (await deps.deliveries.isAnyPending(delivery.projectId, earlier))) {
    return hold({ until: turnAfter(now), reason: 'earlier_delivery' });
  }
  if (isSentAgain(delivery) && (await hasFinish(deps, delivery))) {
    const error = 'The task left the runner before this start was delivered.';
    await deps.deliveries.record(delivery, { at: now, durationMs: 0, error }, 'dead');
    return undefined;
  }
  // The stack's own functions fail for one instance at a time, and must still get events of the others.
  if (runner.webhookUrl === undefined) return attempt(deps, delivery, runner.webhookSecret, { last });
  const admitted = await deps.circuits.admit(delivery.url, now);
  if (!admitted.ok) return hold({ until: admitted.until, reason: 'circuit_open' });
  const tried = await attempt(deps, delivery, runner.webhookSecret, { last });
  if (tried.status !== 'delivered') await deps.circuits.failed(delivery.url, deps.now());
  else if (admitted.knownToFail) await deps.circuits.succeeded(delivery.url);
  return tried;
};

/** Sends a delivery once and records the outcome; `last` makes a failure final. */
const attempt = async (
  deps: Pick<DeliverDeps, 'deliveries' | 'sendWebhook'>,
  delivery: Delivery,
  secret: string,
  { last = false } = {},
): Promise<Delivery> => {
  const outcome = await deps.sendWebhook(delivery, secret);
  return deps.deliveries.record(delivery, outcome, statusAfter(outcome, last));
};

/** `settled`: this message is finished, even when another one continues the delivery. */
export type RetryOutcome = 'settled' | 'failed';

/** Retries a delivery, unless it is settled or has no runner. `tries` are the retries before this one. */
export const retry = async (
  deps: Omit<DeliverDeps, 'apiUrl'> & Pick<Deps, 'runners'>,
  ref: { projectId: ProjectId; id: string },
  options: { tries: number; last: boolean },
): Promise<RetryOutcome> => {
  const delivery = await deps.deliveries.get(ref.projectId, ref.id);
  if (delivery?.status !== 'pending') return 'settled';
  const runner = await deps.runners.find(delivery.projectId, delivery.runnerId);
  if (!runner) {
    const gone = { at: delivery.createdAt, durationMs: 0, error: 'the runner was removed' };
    await deps.deliveries.record(delivery, gone, 'dead');
    return 'settled';
  }
  const tried = await attemptInTurn(deps, delivery, runner, options);
  return tried === undefined || tried.status === 'delivered' ? 'settled' : 'failed';
};

/** Sends a delivery again at a person's request: at once, whatever its turn. */
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
  else if (runner.webhookUrl !== undefined) await deps.circuits.succeeded(delivery.url);
  return tried;
};
