/** Timeline of a task in steps, from its task, its webhook and its runner's session. */
import type { Delivery, Instant, Task, TaskTimeline } from '../../../protocol/index.ts';
import type { Session } from '../costs/usage.ts';

export interface TimelineParts {
  readonly task: Pick<
    Task,
    | 'id'
    | 'attempt'
    | 'createdAt'
    | 'assignedAt'
    | 'claimedAt'
    | 'startedAt'
    | 'finishedAt'
    | 'status'
    | 'runnerId'
  >;
  readonly runnerName?: string;
  /** Start event of this attempt, to its runner. */
  readonly startDelivery?: Pick<Delivery, 'status' | 'attempts' | 'createdAt'>;
  /** Session in which it ran, or of the runner that is being woken for it. */
  readonly session?: Session;
}

const describeDelivery = ({ status, attempts }: NonNullable<TimelineParts['startDelivery']>): string => {
  const last = attempts.at(-1);
  const outcome =
    last?.statusCode === undefined ? (last?.error ?? 'not sent yet') : `answer ${last.statusCode}`;
  return `${status} at attempt ${attempts.length}: ${outcome}`;
};

/** Events after a task's end don't belong to its timeline, except the stop of the instance. */
export const taskTimelineOf = ({ task, runnerName, startDelivery, session }: TimelineParts): TaskTimeline => {
  const { createdAt, assignedAt, claimedAt, startedAt, finishedAt } = task;
  const isOver = finishedAt !== undefined;
  /** The runner was up when it was selected: no wake-up was needed. */
  const wasUp = session?.onlineAt !== undefined && session.onlineAt <= (assignedAt ?? claimedAt ?? createdAt);
  const wasWoken = startDelivery !== undefined || (session !== undefined && !wasUp);
  const step = (
    name: TaskTimeline['steps'][number]['step'],
    at: Instant | undefined,
    isNeeded = true,
    detail?: string,
  ): TaskTimeline['steps'][number] => ({
    step: name,
    isNeeded: isNeeded && (at !== undefined || !isOver || name === 'instance_stopped'),
    at,
    detail,
  });
  const isWaking = wasWoken || (claimedAt === undefined && !wasUp);
  const sentAt = startDelivery?.attempts[0]?.at ?? startDelivery?.createdAt;
  const hasInstance = session !== undefined || claimedAt === undefined;
  return {
    taskId: task.id,
    attempt: task.attempt,
    steps: [
      step('queued', createdAt),
      step('runner_chosen', task.runnerId ? (assignedAt ?? claimedAt) : undefined, true, runnerName),
      step(
        'webhook_sent',
        sentAt,
        isWaking && (sentAt !== undefined || claimedAt === undefined),
        startDelivery && describeDelivery(startDelivery),
      ),
      step('instance_starting', wasUp ? undefined : session?.startedAt, isWaking && hasInstance),
      step('agent_online', wasUp ? undefined : session?.onlineAt, isWaking && hasInstance),
      step('claimed', claimedAt),
      step('running', startedAt),
      step('finished', finishedAt, true, isOver ? task.status : undefined),
      step(
        'instance_stopped',
        isOver ? session?.endedAt : undefined,
        hasInstance && (!isOver || session !== undefined),
      ),
    ],
  };
};
