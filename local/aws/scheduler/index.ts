/**
 * EventBridge Scheduler's stand-in: keeps schedules on disk, and invokes their functions by the real clock,
 * to the minute.
 */
import { randomUUID } from 'node:crypto';
import type { Faults } from '../../gateway/faults.ts';
import type { Principal } from '../../gateway/principals.ts';
import type { Iam } from '../../iam/index.ts';
import type { Place } from '../../template/resource-ids.ts';
import type { StackSpec } from '../../template/stack-spec.ts';
import type { AsyncInvoker } from '../async-invoke.ts';
import { type AwsCall, AwsError, type AwsService } from '../call.ts';
import type { Sqs } from '../sqs.ts';
import { makeSchedulerApi } from './api.ts';
import { readExpression } from './expression.ts';
import { readSchedules, type StoredSchedule, writeSchedules } from './store.ts';

export interface SchedulerOptions {
  /** Path of the schedules' file. */
  readonly path: string;
  readonly spec: Pick<StackSpec, 'scheduleGroups' | 'roles' | 'queues'>;
  readonly place: Place;
  readonly iam: Pick<Iam, 'check' | 'checkTrust'>;
  readonly faults: Pick<Faults, 'around'>;
  readonly deliver: AsyncInvoker['deliver'];
  readonly sendMessage: Sqs['call'];
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}

/** Control of the scheduler for tests. */
export interface SchedulerControl {
  list(): readonly StoredSchedule[];
  /** Runs the schedules that are due in that minute, and waits for their functions. */
  runDue(at: Date): Promise<void>;
}

export interface Scheduler extends SchedulerControl {
  readonly service: AwsService;
  /** Starts to run due schedules every minute. */
  start(): void;
  stop(): void;
}

const minuteMs = 60_000;

export const openScheduler = (options: SchedulerOptions): Scheduler => {
  const { path, spec, place, iam, faults, deliver, sendMessage, nowMs, log } = options;
  const { accountId, region } = place;
  const arnOf = ({ GroupName, Name }: Pick<StoredSchedule, 'GroupName' | 'Name'>) =>
    `arn:aws:scheduler:${region}:${accountId}:schedule/${GroupName}/${Name}`;
  const schedules = new Map(readSchedules(path).map((schedule) => [arnOf(schedule), schedule]));
  const save = () => writeSchedules(path, [...schedules.values()]);
  let timer: NodeJS.Timeout | undefined;
  let lastMinute = 0;

  const principalOf = ({ Target, Name }: StoredSchedule): Principal => {
    const role = spec.roles.find(({ arn }) => arn === Target.RoleArn);
    if (!role) throw new AwsError('ValidationException', `There is no role ${Target.RoleArn}.`);
    return { name: 'scheduler', arn: `arn:aws:sts::${accountId}:assumed-role/${role.name}/${Name}`, role };
  };

  const api = makeSchedulerApi({
    groups: spec.scheduleGroups,
    arnOf,
    schedules,
    save,
    nowMs,
    checkRole: (schedule) => {
      const { role } = principalOf(schedule);
      const group = `arn:aws:scheduler:${region}:${accountId}:schedule-group/${schedule.GroupName}`;
      const context = { 'aws:SourceAccount': accountId, 'aws:SourceArn': group };
      if (iam.checkTrust(role, 'scheduler.amazonaws.com', context)) return;
      throw new AwsError(
        'ValidationException',
        'The execution role you provide must allow AWS EventBridge Scheduler to assume the role.',
      );
    },
  });

  /**
   * Sends the input to the dead-letter queue after one attempt. AWS retries as long as the retry policy
   * allows.
   */
  const bury = async (schedule: StoredSchedule, input: string, error: unknown): Promise<void> => {
    const { code, message } = error instanceof AwsError ? error : new AwsError('Unknown', String(error));
    log(`EventBridge Scheduler could not invoke ${schedule.Target.Arn}: ${message}`);
    const arn = schedule.Target.DeadLetterConfig?.Arn;
    const queue = spec.queues.find((one) => one.arn === arn);
    if (!queue) return;
    iam.check(principalOf(schedule), [{ action: 'sqs:SendMessage', resource: queue.arn }]);
    const attribute = (StringValue: string) => ({ DataType: 'String', StringValue });
    await sendMessage('SendMessage', {
      QueueUrl: queue.url,
      MessageBody: input,
      MessageAttributes: {
        ERROR_CODE: attribute(code),
        ERROR_MESSAGE: attribute(message),
        SCHEDULE_ARN: attribute(arnOf(schedule)),
        TARGET_ARN: attribute(schedule.Target.Arn),
      },
    });
  };

  const run = async (schedule: StoredSchedule, minute: number): Promise<void> => {
    const { Target } = schedule;
    const keywords: Readonly<Record<string, string>> = {
      'schedule-arn': arnOf(schedule),
      'scheduled-time': new Date(minute).toISOString().replace('.000Z', 'Z'),
      'execution-id': randomUUID(),
      'attempt-number': '1',
    };
    const input = (Target.Input ?? '{}').replaceAll(
      /<aws\.scheduler\.([a-z-]+)>/g,
      (whole, name: string) => keywords[name] ?? whole,
    );
    try {
      const principal = principalOf(schedule);
      iam.check(principal, [{ action: 'lambda:InvokeFunction', resource: Target.Arn }]);
      const call: AwsCall = {
        service: 'lambda',
        operation: 'Invoke',
        region,
        principal,
        method: 'POST',
        path: `/2015-03-31/functions/${Target.Arn}/invocations`,
        headers: {},
        body: Buffer.from(input),
        hungUp: () => false,
      };
      await faults.around(call, async () => {
        await deliver(Target.Arn, JSON.parse(input));
        return { status: 202, headers: {}, body: '' };
      });
    } catch (error) {
      await bury(schedule, input, error).catch((failure: unknown) => log(String(failure)));
    }
  };

  const isDue = (schedule: StoredSchedule, minute: number): boolean => {
    const { ScheduleExpression, ScheduleExpressionTimezone, StartDate = 0, EndDate, State } = schedule;
    const isInTime = minute >= StartDate * 1000 && (EndDate === undefined || minute < EndDate * 1000);
    return (
      State === 'ENABLED' &&
      isInTime &&
      readExpression(ScheduleExpression, ScheduleExpressionTimezone).isDue(minute)
    );
  };

  const runDue = async (at: Date): Promise<void> => {
    const minute = Math.floor(at.getTime() / minuteMs) * minuteMs;
    const due = [...schedules.values()].filter((schedule) => isDue(schedule, minute));
    await Promise.all(due.map((schedule) => run(schedule, minute)));
    const over = [...schedules].filter(
      ([, { EndDate = Number.POSITIVE_INFINITY, ActionAfterCompletion }]) =>
        ActionAfterCompletion === 'DELETE' && EndDate * 1000 <= minute,
    );
    for (const [arn] of over) schedules.delete(arn);
    if (over.length > 0) save();
  };

  const waitForMinute = (): void => {
    timer = setTimeout(
      () => {
        const minute = Math.floor(nowMs() / minuteMs);
        // A timer may fire slightly early.
        if (minute > lastMinute) {
          lastMinute = minute;
          runDue(new Date(minute * minuteMs)).catch((error: unknown) => log(String(error)));
        }
        waitForMinute();
      },
      minuteMs - (nowMs() % minuteMs) + 1,
    );
  };

  return {
    service: api,
    list: () => [...schedules.values()],
    runDue,
    start: () => {
      lastMinute = Math.floor(nowMs() / minuteMs);
      waitForMinute();
    },
    stop: () => clearTimeout(timer),
  };
};
