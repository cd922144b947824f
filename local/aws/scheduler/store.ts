/**
 * Schedules on disk: one JSON file, replaced as a whole, so that a crash leaves the old or the new version.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { readJsonFile } from '../../json.ts';

const epochSeconds = z.number();

/** Parameters of CreateSchedule and UpdateSchedule, beyond the name in the path. */
export const scheduleParameters = z.strictObject({
  GroupName: z.string().default('default'),
  ScheduleExpression: z.string().max(256),
  ScheduleExpressionTimezone: z.string().max(50).default('UTC'),
  Description: z.string().max(512).optional(),
  FlexibleTimeWindow: z.strictObject({ Mode: z.literal('OFF') }),
  StartDate: epochSeconds.optional(),
  EndDate: epochSeconds.optional(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  ActionAfterCompletion: z.enum(['NONE', 'DELETE']).default('NONE'),
  ClientToken: z.string().optional(),
  Target: z.strictObject({
    Arn: z.string(),
    RoleArn: z.string(),
    Input: z.string().optional(),
    RetryPolicy: z
      .strictObject({
        MaximumEventAgeInSeconds: z.int().min(60).max(86_400).optional(),
        MaximumRetryAttempts: z.int().min(0).max(185).optional(),
      })
      .optional(),
    DeadLetterConfig: z.strictObject({ Arn: z.string() }).optional(),
  }),
});

const schedule = scheduleParameters.extend({ Name: z.string() });
export type StoredSchedule = z.infer<typeof schedule>;

const file = z.object({ schedules: z.array(schedule) });

export const readSchedules = (path: string): StoredSchedule[] =>
  existsSync(path) ? readJsonFile(path, file).schedules : [];

export const writeSchedules = (path: string, schedules: readonly StoredSchedule[]): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify({ schedules }, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
};
