/**
 * Drop-in for a Semaphore server: a secret URL for each of its runners starts and stops that runner's
 * instance.
 */
import { type HttpApi, HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { CfnOutput, Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Bundles } from './bundle.ts';
import { leaveToTheNextMinute } from './failed-events.ts';
import { makeFunction } from './functions.ts';
import { type Grant, give, instanceGrants, tableGrants } from './grants.ts';
import type { TheTable } from './table.ts';

export interface SemaphoreProps {
  readonly table: TheTable;
  readonly httpApi: HttpApi;
  /** Permissions to write the audit trail, beyond the table. */
  readonly audited: Grant;
  readonly bundles: Pick<Bundles, 'folderOf'>;
}

export class Semaphore extends Construct {
  constructor(scope: Construct, id: string, { table, httpApi, bundles, audited }: SemaphoreProps) {
    super(scope, id);
    const stack = Stack.of(this);
    // It runs each minute, with or without work: tens of thousands of traces without use.
    const observed = { metricsNamespace: stack.stackName, traced: false };
    const receiver = makeFunction(stack, 'SemaphoreHook', {
      folder: bundles.folderOf('semaphore'),
      description: "starts and stops the instances of a Semaphore server's runners",
      // Semaphore waits for 30 s.
      timeoutSeconds: 25,
      ...observed,
    });
    const setup = makeFunction(stack, 'SemaphoreSetup', {
      folder: bundles.folderOf('semaphore-setup'),
      description: 'makes the secret URLs that a Semaphore server calls',
      timeoutSeconds: 10,
      ...observed,
    });
    // Each minute it also does the work of a lost EC2 event.
    leaveToTheNextMinute(receiver);
    const inTable = tableGrants(table);
    const { start, stop, describe } = instanceGrants(stack, stack.stackName);
    give(receiver, [inTable.items('GetItem', 'BatchGetItem', 'UpdateItem'), inTable.queryLive]);
    give(receiver, [start, stop, describe]);
    give(setup, [inTable.items('PutItem', 'UpdateItem', 'DeleteItem', 'Query'), describe]);
    give(setup, [{ environment: { API_URL: httpApi.apiEndpoint, STACK_NAME: stack.stackName } }, audited]);
    httpApi.addRoutes({
      path: '/webhooks/semaphore',
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration('Semaphore', receiver),
    });
    new Rule(this, 'InstanceStopped', {
      description: 'Has Reveille start again what stopped while a task of Semaphore came',
      eventPattern: {
        source: ['aws.ec2'],
        detailType: ['EC2 Instance State-change Notification'],
        detail: { state: ['stopped'] },
      },
      targets: [new LambdaTarget(receiver)],
    });
    new Rule(this, 'EachMinute', {
      description: 'Has Reveille look after the instances that Semaphore woke',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaTarget(receiver)],
    });
    new CfnOutput(stack, 'SemaphoreSetupFunctionName', { value: setup.functionName });
  }
}
