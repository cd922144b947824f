/** Doorbells of assigned tasks, and the start events that have their runners woken. */
import { type Instant, isPoweredByStack, type RunnerStatus } from '../../../protocol/index.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import type { Deps } from '../deps.ts';
import { type DeliverDeps, sendEvent } from '../webhooks/deliver.ts';

/** Rings for an assigned task, and has its runner woken. `before`: the runner before the assignment. */
export const announce = async (
  deps: DeliverDeps & Pick<Deps, 'queues'>,
  task: TaskRecord,
  before: RunnerRecord,
  assignee: RunnerRecord,
  isAlone: boolean,
): Promise<void> => {
  await ring(deps, task, isAlone ? deps.now() : undefined);
  if (!wantsStartEvent(before, before.status)) return;
  const wokenAt = assignee.statusSince === before.statusSince ? undefined : assignee.statusSince;
  await sendEvent(deps, 'start', task, assignee, { wokenAt });
};

/** Rings the doorbell of a task's queue, and makes a missing queue. */
export const ring = async (
  deps: Pick<Deps, 'queues'>,
  task: TaskRecord,
  aloneAt?: Instant,
): Promise<void> => {
  const { projectId, id, queue, templateId, inventoryId, environmentId, repositoryId } = task;
  // A claim that need not look for a task that goes first can read this one's parts at once.
  const parts = aloneAt === undefined ? undefined : { templateId, inventoryId, environmentId, repositoryId };
  const doorbell = { projectId, taskId: id, queue, aloneAt, parts };
  if (await deps.queues.ring(task.queue, doorbell)) return;
  // When SQS refuses the queue for a minute, the reconciler makes it and rings.
  if (await deps.queues.create(task.queue)) await deps.queues.ring(task.queue, doorbell);
};

const cannotBeStarted: ReadonlySet<RunnerStatus> = new Set(['online', 'draining', 'starting', 'stopping']);

/**
 * Start events go to a runner's own URL for each task, as its receiver may count them. The stack's own
 * function gets none when the runner is up, coming up, or has to stop first, since it would do nothing: this
 * saves five requests a task.
 */
const wantsStartEvent = (runner: RunnerRecord, status: RunnerStatus): boolean =>
  !isPoweredByStack(runner) ? runner.webhookUrl !== undefined : !cannotBeStarted.has(status);
