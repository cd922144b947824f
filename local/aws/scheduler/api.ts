/** EventBridge Scheduler's REST API: CreateSchedule, UpdateSchedule, DeleteSchedule and GetSchedule. */
import * as z from 'zod';
import { jsonText } from '../../json.ts';
import { AwsError, type AwsService } from '../call.ts';
import { readExpression } from './expression.ts';
import { type StoredSchedule, scheduleParameters } from './store.ts';

/**
 * Operations by method; all use /schedules/{Name}.
 * https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Operations.html
 */
const operations: Readonly<Record<string, string>> = {
  POST: 'CreateSchedule',
  PUT: 'UpdateSchedule',
  DELETE: 'DeleteSchedule',
  GET: 'GetSchedule',
};

const pathOf = (url: string) => new URL(url, 'http://scheduler');
const namePattern = /^\/schedules\/([0-9a-zA-Z._-]{1,64})$/;

/** Returns the operation's name, which follows from method and path: the API has no header for it. */
export const schedulerOperationOf = (method: string, url: string): string => {
  const operation = namePattern.test(pathOf(url).pathname) ? operations[method] : undefined;
  if (operation) return operation;
  throw new AwsError(
    'NotImplemented',
    `The stack on one machine has no EventBridge Scheduler ${method} ${pathOf(url).pathname}.`,
    501,
  );
};

const inGroup = z.object({ GroupName: z.string().optional() });

/** Returns the name and the group of a call's schedule. The group is in the body or in the query. */
export const scheduleIn = (url: string, body: Buffer): { group: string; name: string } => {
  const { pathname, searchParams } = pathOf(url);
  const given = jsonText(inGroup).safeParse(body.length > 0 ? body.toString() : '{}');
  if (!given.success) throw invalid(z.prettifyError(given.error));
  return {
    name: namePattern.exec(pathname)?.[1] ?? '',
    group: given.data.GroupName ?? searchParams.get('groupName') ?? 'default',
  };
};

export interface SchedulerApiOptions {
  /** Names of the template's schedule groups. */
  readonly groups: readonly string[];
  readonly arnOf: (schedule: Pick<StoredSchedule, 'GroupName' | 'Name'>) => string;
  /** Schedules by ARN. */
  readonly schedules: Map<string, StoredSchedule>;
  readonly save: () => void;
  readonly nowMs: () => number;
  /** Throws AWS's error when the scheduler cannot assume the role. */
  readonly checkRole: (schedule: StoredSchedule) => void;
}

/** Maximum age of a start time ("earlier than 5 minutes ago" in AWS's error). */
const oldestStartMs = 5 * 60_000;

const invalid = (message: string) => new AwsError('ValidationException', message);

const json = (body: unknown) => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

export const makeSchedulerApi = (options: SchedulerApiOptions): AwsService => {
  const { groups, arnOf, schedules, save, nowMs, checkRole } = options;

  const parse = (name: string, body: Buffer): StoredSchedule => {
    const parsed = jsonText(scheduleParameters).safeParse(body.toString());
    if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
    const schedule = { ...parsed.data, Name: name };
    const { ScheduleExpression, ScheduleExpressionTimezone, StartDate, EndDate } = schedule;
    readExpression(ScheduleExpression, ScheduleExpressionTimezone);
    if (StartDate !== undefined && StartDate * 1000 < nowMs() - oldestStartMs) {
      throw invalid('The StartDate you specify cannot be earlier than 5 minutes ago.');
    }
    if (EndDate !== undefined && EndDate * 1000 <= nowMs()) {
      throw invalid('The EndDate you specify cannot be earlier than the current time.');
    }
    checkRole(schedule);
    return schedule;
  };

  return async ({ operation, path, body }) => {
    const { group, name } = scheduleIn(path, body);
    if (!groups.includes(group)) {
      throw new AwsError('ResourceNotFoundException', `Schedule group ${group} does not exist.`, 404);
    }
    const arn = arnOf({ GroupName: group, Name: name });
    const known = schedules.get(arn);
    if (operation === 'CreateSchedule') {
      if (known) throw new AwsError('ConflictException', `Schedule ${name} already exists.`, 409);
      schedules.set(arn, parse(name, body));
      save();
      return json({ ScheduleArn: arn });
    }
    if (!known) throw new AwsError('ResourceNotFoundException', `Schedule ${name} does not exist.`, 404);
    switch (operation) {
      case 'UpdateSchedule':
        schedules.set(arn, parse(name, body));
        save();
        return json({ ScheduleArn: arn });
      case 'DeleteSchedule':
        schedules.delete(arn);
        save();
        return json({});
      default:
        return json({ ...known, Arn: arn });
    }
  };
};
