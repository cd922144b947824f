/** Runs a due schedule: starts its template once for each due time, however often the event arrives. */
import {
  epochMs,
  type Instant,
  type ScheduledStart,
  type ScheduleOutcome,
  type ScheduleRun,
  toInstant,
} from '../../../protocol/index.ts';
import type { ScheduleRecord, ScheduleStore } from '../../adapters/schedules/schedules.ts';
import type { Deps } from '../deps.ts';
import { type StartFromTriggerDeps, savedValues, startFromTrigger } from '../tasks/start-from-trigger.ts';

export type RunScheduleDeps = StartFromTriggerDeps &
  Pick<Deps, 'log'> & { readonly schedules: ScheduleStore };

const noteOf = (outcome: ScheduleOutcome, detail: string): Omit<ScheduleRun, 'at'> => ({ outcome, detail });

const start = (
  deps: RunScheduleDeps,
  schedule: ScheduleRecord,
  at: Instant,
): Promise<Omit<ScheduleRun, 'at'>> => {
  const { templateId, name, survey, surveySecrets } = schedule;
  return startFromTrigger(
    deps,
    { kind: 'schedule', by: schedule, cause: at, at },
    {
      ...savedValues(schedule),
      templateId,
      message: schedule.message ?? `Schedule ${name}`,
      survey: { ...survey, ...surveySecrets },
      secretNames: Object.keys(surveySecrets),
    },
  );
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

/** Starts the task, or records and logs why there is none. Records an error, then throws it. */
export const runSchedule = async (deps: RunScheduleDeps, event: ScheduledStart): Promise<void> => {
  const { projectId, scheduleId, scheduledAt } = event;
  const at = toInstant(epochMs(scheduledAt));
  const about = { projectId, scheduleId, at };
  const schedule = await deps.schedules.get(projectId, scheduleId);
  if (!schedule) {
    deps.log.info('A removed schedule is due', about);
    return;
  }
  try {
    const run = await decide(deps, schedule, event, at);
    if (run.outcome !== 'started')
      deps.log.warn('A schedule is due and starts nothing', { ...about, ...run });
    await deps.schedules.recordRun(schedule, { at, ...run });
  } catch (error) {
    const detail = `The task could not be started: ${error instanceof Error ? error.message : String(error)}`;
    await deps.schedules.recordRun(schedule, { at, ...noteOf('failed', detail) });
    throw error;
  }
};
