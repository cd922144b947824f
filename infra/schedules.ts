/**
 * AWS resources of schedules: a group in EventBridge Scheduler, the role that it assumes, and the grants of
 * the functions that create schedules.
 */
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { ScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Arn, RemovalPolicy, type Stack } from 'aws-cdk-lib/core';
import { allow, type Grant } from './grants.ts';

export interface SchedulesProps {
  /** Prefix of the group's name. */
  readonly prefix: string;
  /** Function that a schedule invokes. */
  readonly starter: LambdaFunction;
  /** Queue for events that EventBridge Scheduler could not deliver. */
  readonly deadLetters: IQueue;
}

const service = 'scheduler.amazonaws.com';

/**
 * Makes the group, which is removed with all its schedules, and the grant for functions that create
 * schedules.
 */
export const makeSchedules = (stack: Stack, { prefix, starter, deadLetters }: SchedulesProps) => {
  const scheduleGroupName = `${prefix}schedules`;
  const group = new ScheduleGroup(stack, 'Schedules', {
    scheduleGroupName,
    // A group that stays would keep invoking removed functions, and its name would block the next deployment.
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new Role(stack, 'SchedulerRole', {
    // https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    assumedBy: new ServicePrincipal(service, {
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account, 'aws:SourceArn': group.scheduleGroupArn },
      },
    }),
    description: 'Reveille: what EventBridge Scheduler may do when a schedule is due',
  });
  role.addToPolicy(allow(['lambda:InvokeFunction'], [starter.functionArn]));
  role.addToPolicy(allow(['sqs:SendMessage'], [deadLetters.queueArn]));

  const schedules = Arn.format(
    { service: 'scheduler', resource: 'schedule', resourceName: `${scheduleGroupName}/sch_*` },
    stack,
  );
  const handOver: Grant = {
    environment: {
      SCHEDULE_GROUP: group.scheduleGroupName,
      SCHEDULED_START_ARN: starter.functionArn,
      SCHEDULER_ROLE_ARN: role.roleArn,
      SCHEDULER_DEAD_LETTERS_ARN: deadLetters.queueArn,
    },
    statements: [
      allow(
        ['scheduler:CreateSchedule', 'scheduler:UpdateSchedule', 'scheduler:DeleteSchedule'],
        [schedules],
      ),
      allow(['iam:PassRole'], [role.roleArn], { StringEquals: { 'iam:PassedToService': service } }),
    ],
  };
  return { handOver };
};
