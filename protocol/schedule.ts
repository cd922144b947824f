/** Schedule: starts a template by a cron expression in a time zone. */
import * as z from 'zod';
import { launchOption, taskOptions, taskOptionsInput } from './app-options.ts';
import { editedBy, instant, name } from './common.ts';
import { projectId, scheduleId, taskId, templateId } from './ids.ts';
import { surveyChanges } from './survey.ts';
import { taskFields, taskStatus } from './task.ts';
import { written } from './text.ts';

/**
 * True for a zone of the IANA database in its exact spelling: EventBridge Scheduler accepts no other case.
 */
const isTimeZone = (text: string): boolean => {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions();
    return timeZone === text || timeZone.toLowerCase() !== text.toLowerCase();
  } catch {
    return false;
  }
};

export const timeZone = z
  .string()
  .max(50)
  .regex(/^[A-Za-z]/, 'must be the name of a time zone such as Europe/Berlin')
  .refine(isTimeZone, { error: 'must be the name of a time zone such as Europe/Berlin' });

/** Five fields as in crontab(5); lambdas/core/schedules/cron.ts checks their values. */
const cron = z.string().trim().min(1).max(200);

const timing = {
  cron: cron.describe('Minute, hour, day of month, month and day of week, as in a crontab'),
  timeZone: timeZone.default('UTC').describe("Where the cron expression's clock is, by its IANA name"),
  startsAt: instant.optional().describe('It starts nothing before'),
  endsAt: instant.optional().describe('It starts nothing from then on'),
};

const endsAfterItStarts = ({
  startsAt,
  endsAt,
}: {
  readonly startsAt?: string;
  readonly endsAt?: string;
}): boolean => startsAt === undefined || endsAt === undefined || startsAt < endsAt;
const endsTooEarly = { error: 'must be later than startsAt', path: ['endsAt'] };

const fields = z.strictObject({
  name,
  templateId,
  active: z.boolean().default(true),
  ...timing,
  ...taskFields.omit({ templateId: true }).shape,
  ...taskOptions,
});

const given = fields.extend(taskOptionsInput);
const lines = ['name', 'cron', 'ansible.limit', 'repository.branch'];
export const scheduleInput = written(given.refine(endsAfterItStarts, endsTooEarly), { lines }).meta({
  id: 'ScheduleInput',
});
export type ScheduleInput = z.infer<typeof scheduleInput>;

const changing = given.extend({
  survey: surveyChanges
    .optional()
    .describe("Answers to the template's survey. A secret one that is not sent stays; null removes it"),
});
/** Change of a schedule, which keeps each secret answer that it does not name. */
export const scheduleUpdate = written(changing.refine(endsAfterItStarts, endsTooEarly), { lines }).meta({
  id: 'ScheduleUpdate',
});
export type ScheduleUpdate = z.infer<typeof scheduleUpdate>;

export const scheduleOutcome = z.enum(['started', 'inactive', 'outdated', 'refused', 'failed']);
export type ScheduleOutcome = z.infer<typeof scheduleOutcome>;

/** Outcome of a due time. */
export const scheduleRun = z.object({
  at: instant.describe('When it was due'),
  outcome: scheduleOutcome,
  detail: z.string(),
  taskId: taskId.optional(),
});
export type ScheduleRun = z.infer<typeof scheduleRun>;

/** Computed on each read, from the present template. */
export const beyondLaunchOptions = z
  .array(launchOption)
  .optional()
  .describe(
    'What it gives to its tasks beyond the launch options of the template, which only who may edit the template can save; absent: nothing',
  );

export const schedule = fields
  .strip()
  .extend({
    id: scheduleId,
    projectId,
    createdAt: instant,
    editedBy,
    beyondLaunchOptions,
    secretNames: z
      .array(z.string())
      .describe('The secret variables of the survey that it has an answer for, which is never shown'),
    nextRuns: z.array(instant).describe('The next five; none while it is inactive'),
    lastRun: scheduleRun.extend({ taskStatus: taskStatus.optional() }).optional(),
    pending: z
      .string()
      .optional()
      .describe(
        'Why EventBridge Scheduler does not have it yet as it is here; it is tried again each minute',
      ),
  })
  .meta({ id: 'Schedule' });
export type Schedule = z.infer<typeof schedule>;

export const schedulePreviewQuery = z.object(timing).refine(endsAfterItStarts, endsTooEarly);
export const schedulePreview = z
  .object({
    sentence: z.string().describe('The cron expression in words'),
    nextRuns: z.array(instant).describe('The next five'),
  })
  .meta({ id: 'SchedulePreview' });
export type SchedulePreview = z.infer<typeof schedulePreview>;

/** Message from EventBridge Scheduler at a due time. */
export const scheduledStart = z.object({
  projectId,
  scheduleId,
  scheduledAt: z.iso.datetime().describe('Without milliseconds, as EventBridge Scheduler writes it'),
  cron: z.string().describe('As it was when it was handed over, as is the time zone'),
  timeZone: z.string(),
});
export type ScheduledStart = z.infer<typeof scheduledStart>;
