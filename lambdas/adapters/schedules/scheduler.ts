/** EventBridge Scheduler: one of its schedules for each schedule of ours that is active, in the group of the stack. */
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
  /** As EventBridge Scheduler takes it: `cron(…)`. */
  readonly expression: string;
  /** In the future: it takes none that is more than five minutes old. */
  readonly startsAt?: Instant | undefined;
  /** In the future. */
  readonly endsAt?: Instant | undefined;
}

export interface Scheduler {
  /** Makes it, or changes the one that there is. */
  put(schedule: ScheduleToHandOver): Promise<void>;
  /** One that there isn't is fine. */
  remove(id: Schedule['id']): Promise<void>;
}

export interface SchedulerTarget {
  readonly groupName: string;
  /** Of the function `scheduled-start`. */
  readonly functionArn: string;
  /** What EventBridge Scheduler assumes to invoke it. */
  readonly roleArn: string;
  /** Where it puts what it could not deliver. */
  readonly deadLetterArn: string;
}

/**
 * What could not be delivered within the hour is given up: a nightly task that starts in the morning helps nobody. As many
 * attempts as there may be (AWS: RetryPolicy, EventBridge Scheduler API Reference).
 */
const retryPolicy = { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 185 };

/** https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html */
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
          // It was made after all, as when the client's own retry follows on an answer that was lost.
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
