/** What schedules need in AWS: a group of their own in EventBridge Scheduler, the role that it takes on, and who may hand over. */
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { ScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Arn, RemovalPolicy, type Stack } from 'aws-cdk-lib/core';
import { allow, type Grant } from './grants.ts';

export interface SchedulesProps {
  /** Begins the name of the group. */
  readonly prefix: string;
  /** What a schedule invokes. */
  readonly starter: LambdaFunction;
  /** Where EventBridge Scheduler puts what it could not deliver. */
  readonly deadLetters: IQueue;
}

const service = 'scheduler.amazonaws.com';

/** Makes the group, which goes with all of its schedules when the stack is removed, and the grant for those who hand over. */
export const makeSchedules = (stack: Stack, { prefix, starter, deadLetters }: SchedulesProps) => {
  const scheduleGroupName = `${prefix}schedules`;
  const group = new ScheduleGroup(stack, 'Schedules', {
    scheduleGroupName,
    // One that stays would go on firing at what is gone, and its name would stop the next deployment.
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
