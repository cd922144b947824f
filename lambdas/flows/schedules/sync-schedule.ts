/** Keeps EventBridge Scheduler in step with the table. Safe to repeat after an interrupted call. */
import { addMs, type Instant, type ProjectId } from '../../../protocol/index.ts';
import type { Scheduler } from '../../adapters/schedules/scheduler.ts';
import type { ScheduleRecord, ScheduleRef, ScheduleStore } from '../../adapters/schedules/schedules.ts';
import { readCron, toScheduleExpression } from '../../core/schedules/cron.ts';
import type { Deps } from '../deps.ts';
import { beginPass, type Repairs } from '../reconcile/repairs.ts';

export interface ScheduleDeps extends Pick<Deps, 'now' | 'log'> {
  readonly schedules: ScheduleStore;
  readonly scheduler: Scheduler;
}

/** Longer than any function with the turn may run: a turn that is older was interrupted. */
const turnMs = 90_000;

const handOver = async ({ scheduler }: ScheduleDeps, record: ScheduleRecord, now: Instant): Promise<void> => {
  const { startsAt, endsAt, active, removedAt, ...schedule } = record;
  if (!active || removedAt !== undefined || (endsAt !== undefined && endsAt <= now)) {
    return scheduler.remove(record.id);
  }
  const read = readCron(record.cron);
  if (!read.ok) throw new Error(`The cron expression ${read.fault}.`);
  await scheduler.put({
    ...schedule,
    expression: toScheduleExpression(read.cron),
    startsAt: startsAt !== undefined && startsAt > now ? startsAt : undefined,
    endsAt,
  });
};

/**
 * Hands a schedule over, and again when it changes meanwhile. On failure the schedule stores the reason, and
 * the reconciler retries. Returns false after a failure, or while another function has the turn.
 */
export const keepSchedule = async (deps: ScheduleDeps, ref: ScheduleRef): Promise<boolean> => {
  const { schedules } = deps;
  let record = await schedules.takeTurn(ref, addMs(deps.now(), turnMs));
  while (record) {
    try {
      await handOver(deps, record, deps.now());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      deps.log.error('EventBridge Scheduler did not take a schedule', { scheduleId: ref.id, error: reason });
      await schedules.postpone(
        record,
        `EventBridge Scheduler did not take it, and is asked again each minute: ${reason}`,
      );
      return false;
    }
    const isDone = record.removedAt
      ? await schedules.forget(record)
      : (await schedules.settle(record)) !== undefined;
    if (isDone) return true;
    record = await schedules.find(ref.projectId, ref.id);
  }
  return false;
};

/** Removes a schedule. If EventBridge Scheduler fails, the reconciler retries. False when there is none. */
export const removeSchedule = async (deps: ScheduleDeps, ref: ScheduleRef): Promise<boolean> => {
  const removed = await deps.schedules.markRemoved(ref);
  if (removed) await keepSchedule(deps, removed);
  return removed !== undefined;
};

/** Removes all schedules of a project; false when EventBridge Scheduler still has one of them. */
export const removeSchedules = async (deps: ScheduleDeps, projectId: ProjectId): Promise<boolean> => {
  const { schedules } = deps;
  for (const schedule of await schedules.listAll(projectId)) {
    await schedules.markRemoved(schedule);
    await keepSchedule(deps, schedule);
  }
  return (await schedules.listAll(projectId)).length === 0;
};

/** Hands over schedules whose first try failed. Returns counts of completed and of remaining ones. */
export const repairSchedules = async (deps: ScheduleDeps): Promise<Repairs> => {
  const { repairs, repaired, each } = beginPass(deps.log);
  const idOf = ({ id }: ScheduleRef) => id;
  await each(await deps.schedules.listPending(), idOf, async ({ projectId, id }) => {
    const isDone = await keepSchedule(deps, { projectId, id });
    repaired(isDone ? 'schedule_handed_over' : 'schedule_left_for_later', { scheduleId: id });
  });
  return repairs;
};
