/** EventBridge Scheduler, in the group of the stack: one schedule for each of ours that is active. */
import {
  ActionAfterCompletion,
  ConflictException,
  CreateScheduleCommand,
  DeleteScheduleCommand,
  FlexibleTimeWindowMode,
  ResourceNotFoundException,
  SchedulerClient,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { epochMs, type Instant, type Schedule, type ScheduledStart } from '../../../protocol/index.ts';

export interface ScheduleToHandOver
  extends Pick<Schedule, 'id' | 'projectId' | 'name' | 'cron' | 'timeZone'> {
  /** Expression in EventBridge Scheduler's form: `cron(…)`. */
  readonly expression: string;
  /** In the future: EventBridge Scheduler rejects a start more than five minutes ago. */
  readonly startsAt?: Instant;
  /** In the future. */
  readonly endsAt?: Instant;
}

export interface Scheduler {
  /** Creates or changes a schedule. */
  put(schedule: ScheduleToHandOver): Promise<void>;
  /** Removes a schedule; a missing one is fine. */
  remove(id: Schedule['id']): Promise<void>;
}

export interface SchedulerTarget {
  readonly groupName: string;
  /** ARN of the function `scheduled-start`. */
  readonly functionArn: string;
  /** Role that EventBridge Scheduler assumes to invoke it. */
  readonly roleArn: string;
  /** Queue of events that it could not deliver. */
  readonly deadLetterArn: string;
}

/**
 * Gives up after an hour: a nightly task that starts in the morning helps nobody. Uses the maximum of
 * attempts (AWS: RetryPolicy, EventBridge Scheduler API Reference).
 */
const retryPolicy = { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 185 };

/**
 * Placeholder of the time:
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
 */
const scheduledTime = '<aws.scheduler.scheduled-time>';

export const eventBridgeScheduler = (
  { groupName, functionArn, roleArn, deadLetterArn }: SchedulerTarget,
  client = new SchedulerClient(),
): Scheduler => {
  const parametersOf = ({
    id,
    projectId,
    name,
    cron,
    timeZone,
    expression,
    startsAt,
    endsAt,
  }: ScheduleToHandOver) => {
    const event: ScheduledStart = { projectId, scheduleId: id, scheduledAt: scheduledTime, cron, timeZone };
    return {
      Name: id,
      GroupName: groupName,
      Description: `${name} (${cron})`.slice(0, 512),
      ScheduleExpression: expression,
      ScheduleExpressionTimezone: timeZone,
      FlexibleTimeWindow: { Mode: FlexibleTimeWindowMode.OFF },
      ...(startsAt !== undefined && { StartDate: new Date(epochMs(startsAt)) }),
      ...(endsAt !== undefined && {
        EndDate: new Date(epochMs(endsAt)),
        ActionAfterCompletion: ActionAfterCompletion.DELETE,
      }),
      Target: {
        Arn: functionArn,
        RoleArn: roleArn,
        Input: JSON.stringify(event),
        RetryPolicy: retryPolicy,
        DeadLetterConfig: { Arn: deadLetterArn },
      },
    };
  };
  return {
    put: async (schedule) => {
      const parameters = parametersOf(schedule);
      const update = () => client.send(new UpdateScheduleCommand(parameters));
      try {
        await update();
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error;
        try {
          await client.send(new CreateScheduleCommand(parameters));
        } catch (conflict) {
          // It exists already, as when the client retries after a lost answer.
          if (!(conflict instanceof ConflictException)) throw conflict;
          await update();
        }
      }
    },

    remove: async (id) => {
      try {
        await client.send(new DeleteScheduleCommand({ Name: id, GroupName: groupName }));
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error;
      }
    },
  };
};
