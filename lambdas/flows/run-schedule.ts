/** What happens when a schedule is due: its template is started, once for each time that is due, however often it is told. */
import {
  epochMs,
  type Instant,
  type ScheduledStart,
  type ScheduleOutcome,
  type ScheduleRun,
  toInstant,
} from '../../protocol/index.ts';
import { type AuditTrail, recordStart } from '../adapters/audit.ts';
import { taskIdFrom } from '../adapters/ids.ts';
import type { ScheduleRecord, ScheduleStore } from '../adapters/schedules.ts';
import type { Deps } from './deps.ts';
import type { PlaceDeps } from './place.ts';
import { InputRefused, startTask } from './start-task.ts';

export type RunScheduleDeps = PlaceDeps &
  Pick<Deps, 'newId' | 'readForTask' | 'readInventory' | 'log'> & {
    readonly schedules: ScheduleStore;
    readonly audit: Pick<AuditTrail, 'record'>;
  };

const noteOf = (outcome: ScheduleOutcome, detail: string): Omit<ScheduleRun, 'at'> => ({ outcome, detail });

const start = async (
  deps: RunScheduleDeps,
  schedule: ScheduleRecord,
  at: Instant,
): Promise<Omit<ScheduleRun, 'at'>> => {
  const { id, projectId, templateId, name, survey, surveySecrets, priority, ansible, terraform } = schedule;
  const answers = { ...survey, ...surveySecrets };
  const input = {
    templateId,
    message: schedule.message ?? `Schedule ${name}`,
    survey: answers,
    priority,
    ansible,
    terraform,
  };
  try {
    const task = await startTask(
      deps,
      projectId,
      input,
      `schedule ${name}`,
      // The same time makes the same task.
      taskIdFrom(at, `${id}/${at}`),
    );
    if (!task) return noteOf('refused', 'The template is not in the project any more.');
    await recordStart(deps.audit, { projectId, id: task.id, startedAt: at, by: schedule });
    return { ...noteOf('started', `Started task ${task.id}.`), taskId: task.id };
  } catch (error) {
    if (!(error instanceof InputRefused)) throw error;
    const faults = error.faults.map(({ path, message }) => `${path} ${message}`);
    return noteOf('refused', `The template does not take it: ${faults.join('; ')}.`);
  }
};

const decide = (
  deps: RunScheduleDeps,
  schedule: ScheduleRecord,
  { cron, timeZone }: ScheduledStart,
  at: Instant,
) => {
  if (!schedule.active) return noteOf('inactive', 'The schedule is not active.');
  if (schedule.cron !== cron || schedule.timeZone !== timeZone) {
    return noteOf(
      'outdated',
      `It was due by ${cron} in ${timeZone}, which the schedule has no longer; EventBridge Scheduler had not heard of it.`,
    );
  }
  return start(deps, schedule, at);
};

/** Starts the task, or records and logs why there is none. Throws what went wrong after it has recorded it. */
export const runSchedule = async (deps: RunScheduleDeps, event: ScheduledStart): Promise<void> => {
  const { projectId, scheduleId, scheduledAt } = event;
  const at = toInstant(epochMs(scheduledAt));
  const about = { projectId, scheduleId, at };
  const schedule = await deps.schedules.get(projectId, scheduleId);
  if (!schedule) {
    deps.log('A schedule is due that was removed', about);
    return;
  }
  try {
    const run = await decide(deps, schedule, event, at);
    if (run.outcome !== 'started') deps.log('A schedule is due and starts nothing', { ...about, ...run });
    await deps.schedules.recordRun(schedule, { at, ...run });
  } catch (error) {
    const detail = `It could not be started: ${error instanceof Error ? error.message : String(error)}`;
    await deps.schedules.recordRun(schedule, { at, ...noteOf('failed', detail) });
    throw error;
  }
};
