/** Grants for functions: each is a permission together with the environment variables that belong to it. */

import { Effect, type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Arn, type Stack } from 'aws-cdk-lib/core';
import { liveIndex, type TheTable } from './table.ts';

export interface Grant {
  readonly environment?: Readonly<Record<string, string>>;
  readonly statements?: readonly PolicyStatement[];
}

/** Adds the permissions to a function's own role, and the variables to the function. */
export const give = (fn: LambdaFunction, grants: readonly Grant[]): void => {
  for (const { environment = {}, statements = [] } of grants) {
    for (const [name, value] of Object.entries(environment)) fn.addEnvironment(name, value);
    for (const statement of statements) fn.addToRolePolicy(statement);
  }
};

export const allow = (actions: string[], resources: string[], conditions = {}) =>
  new PolicyStatement({ effect: Effect.ALLOW, actions, resources, conditions });

export type TableAction =
  | 'GetItem'
  | 'BatchGetItem'
  | 'Query'
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'ConditionCheckItem';

/** Grants on items of the one table. */
export const tableGrants = (table: TheTable) => ({
  /** Allows actions on items. `npm run iam:report` lists unused ones. */
  items: (...actions: TableAction[]): Grant => ({
    environment: { TABLE_NAME: table.tableName },
    statements: [
      allow(
        actions.map((action) => `dynamodb:${action}`),
        [table.tableArn],
      ),
    ],
  }),
  queryLive: { statements: [allow(['dynamodb:Query'], [`${table.tableArn}/index/${liveIndex}`])] },
});

/**
 * Grants on the queues of tasks. `api` creates and removes them at run time, with names that start with the
 * prefix.
 */
export const taskQueueGrants = (stack: Stack, prefix: string, stackName: string) => {
  const arnOf = (name: string) => Arn.format({ service: 'sqs', resource: `${prefix}${name}` }, stack);
  // As in docs/contributing/architecture.md: one for each project and tag, one for each project, one for all,
  // one for each runner.
  const arns = [arnOf('prj_*'), arnOf('global*')];
  return {
    ring: {
      environment: {
        QUEUE_NAME_PREFIX: prefix,
        STACK_NAME: stackName,
        QUEUE_URL_PREFIX: `https://sqs.${stack.region}.${stack.urlSuffix}/${stack.account}/${prefix}`,
      },
      statements: [allow(['sqs:CreateQueue', 'sqs:TagQueue', 'sqs:SendMessage'], arns)],
    },
    remove: { statements: [allow(['sqs:DeleteQueue'], arns)] },
    receive: [allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'], arns)],
    arnPrefix: arnOf(''),
  };
};

/** Allows sending to a queue whose URL is in the variable. */
export const sendTo = (queue: IQueue, variable: string): Grant => ({
  environment: { [variable]: queue.queueUrl },
  statements: [allow(['sqs:SendMessage'], [queue.queueArn])],
});

/** Allows invoking a function whose ARN is in the variable. */
export const invoke = (fn: LambdaFunction, variable: string): Grant => ({
  environment: { [variable]: fn.functionArn },
  statements: [allow(['lambda:InvokeFunction'], [fn.functionArn])],
});

/** Allows Lambda to poll a queue with the function's role (AWS: Using Lambda with Amazon SQS). */
export const workOffGrant = (queue: IQueue): Grant => ({
  statements: [
    allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], [queue.queueArn]),
  ],
});

/**
 * Tag of the stack: on all its resources for the bill, and on instances as the condition for start and stop.
 */
export const stackTag = 'reveille:stack';

/**
 * Grants on EC2 instances with the stack's tag, in all regions: a runner may be in another than the control
 * plane.
 */
export const instanceGrants = (stack: Stack, stackName: string) => {
  const instances = [
    Arn.format({ service: 'ec2', region: '*', resource: 'instance', resourceName: '*' }, stack),
  ];
  const own = { StringEquals: { [`aws:ResourceTag/${stackTag}`]: stackName } };
  return {
    start: { statements: [allow(['ec2:StartInstances'], instances, own)] },
    stop: { statements: [allow(['ec2:StopInstances'], instances, own)] },
    // Read-only, and EC2 has no resource for them (AWS: Service Authorization Reference, Amazon EC2).
    describe: { statements: [allow(['ec2:DescribeInstances'], ['*'])] },
    check: { statements: [allow(['ec2:DescribeInstanceStatus'], ['*'])] },
  };
};

/** Allows reading prices of instance types; the price list has no resources. */
export const priceListGrant: Grant = { statements: [allow(['pricing:GetProducts'], ['*'])] };

/**
 * Allows exchanging a runner's credentials for those of the runner role, narrowed to the runner's own queues.
 */
export const vendCredentials = (runnerRole: IRole, queueArnPrefix: string): Grant => ({
  environment: { RUNNER_ROLE_ARN: runnerRole.roleArn, QUEUE_ARN_PREFIX: queueArnPrefix },
  statements: [allow(['sts:AssumeRole'], [runnerRole.roleArn])],
});
