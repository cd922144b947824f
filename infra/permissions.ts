/** Permissions of each function of the control plane, with the environment variables that belong to it. */
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { Role } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Stack } from 'aws-cdk-lib/core';
import { fleetGrants } from './fleet-grants.ts';
import type { FleetSettings } from './fleets.ts';
import type { Functions } from './functions.ts';
import {
  allow,
  type Grant,
  give,
  instanceGrants,
  invoke,
  priceListGrant,
  sendTo,
  tableGrants,
  taskQueueGrants,
  vendCredentials,
} from './grants.ts';
import type { makeSchedules } from './schedules.ts';
import type { makeSecretsKey } from './secrets.ts';
import type { Settings } from './settings.ts';
import type { TheTable } from './table.ts';

/** Resources that functions use. */
export interface Resources {
  readonly settings: Settings;
  readonly fleets: readonly FleetSettings[];
  readonly table: TheTable;
  readonly httpApi: HttpApi;
  readonly webhookRetries: Queue;
  /** Role that `api` assumes for an agent. */
  readonly runnerRole: Role;
  readonly secrets: ReturnType<typeof makeSecretsKey>;
  readonly schedules: ReturnType<typeof makeSchedules>;
  /** Variables for functions that receive users' requests. */
  readonly reachedByPeople: Grant;
  /** Variables for functions that write the audit trail. */
  readonly audited: Grant;
}

/**
 * Maximum retries. With the delays of `webhook-retry` between them they take about three quarters of an hour.
 */
export const webhookRetriesMax = 10;

/** Allows `webhook-retry` to set a message's next delivery. `workOff` grants the other permissions. */
const retriesOf = (queue: Queue): Grant => ({
  environment: { WEBHOOK_RETRIES_MAX: String(webhookRetriesMax) },
  statements: [allow(['sqs:ChangeMessageVisibility'], [queue.queueArn])],
});

/** Makes the role of agents; the `api` function assumes it for them. */
export const makeRunnerRole = (stack: Stack, { api }: Pick<Functions, 'api'>): Role =>
  new Role(stack, 'RunnerRole', {
    assumedBy: api.grantPrincipal,
    description: 'Reveille: what agents may do; a session policy narrows it to the queues of one runner',
  });

/** Gives each function, and agents, their permissions. */
export const givePermissions = (stack: Stack, functions: Functions, resources: Resources): void => {
  const { settings, fleets, httpApi, webhookRetries, secrets, schedules, audited } = resources;
  const { webhookAllowed } = settings;
  const { items, queryLive } = tableGrants(resources.table);
  const taskQueues = taskQueueGrants(stack, settings.prefix, settings.stackName);
  const instances = instanceGrants(stack, settings.stackName);
  const { known, launch, terminateIdle, terminate } = fleetGrants(stack, settings.stackName, fleets);
  const settlePowerSoon = invoke(functions.runnerPower, 'RUNNER_POWER_ARN');
  const workEventSoon = invoke(functions.integrationEvents, 'INTEGRATION_EVENTS_ARN');
  const retryWebhooks = sendTo(webhookRetries, 'WEBHOOK_RETRIES_QUEUE_URL');
  const ownUrl: Grant = { environment: { API_URL: httpApi.apiEndpoint } };
  const webhookReach: Grant =
    webhookAllowed.length > 0 ? { environment: { WEBHOOK_ALLOWED: webhookAllowed.join(',') } } : {};
  /** To send webhooks: those to the stack itself are invocations. */
  const sendWebhooks = [settlePowerSoon, retryWebhooks, webhookReach, ownUrl];
  const receiveWebhook = items('GetItem', 'BatchGetItem', 'PutItem');
  /** To start and assign tasks. */
  const assign = [
    items('GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'),
    taskQueues.ring,
    ...sendWebhooks,
  ];

  for (const statement of taskQueues.receive) resources.runnerRole.addToPolicy(statement);
  give(functions.api, [
    ...assign,
    items('ConditionCheckItem'),
    queryLive,
    taskQueues.remove,
    audited,
    known,
    resources.reachedByPeople,
    secrets.openAndSeal,
    vendCredentials(resources.runnerRole, taskQueues.arnPrefix),
    schedules.handOver,
    workEventSoon,
  ]);
  for (const receiver of [functions.taskStart, functions.taskFinish])
    give(receiver, [receiveWebhook, secrets.open, settlePowerSoon]);
  give(functions.runnerPower, [
    items('GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'),
    instances.start,
    instances.stop,
    instances.describe,
    ownUrl,
    known,
    launch,
    terminateIdle,
  ]);
  give(functions.instanceEvents, [
    ...assign,
    secrets.open,
    queryLive,
    instances.start,
    instances.describe,
    known,
    launch,
  ]);
  give(functions.webhookRetry, [
    secrets.open,
    items('GetItem', 'BatchGetItem', 'UpdateItem'),
    // A delivery that is not due yet is delayed by a new message.
    ...sendWebhooks,
    retriesOf(webhookRetries),
  ]);
  give(functions.reconcile, [
    ...assign,
    secrets.open,
    queryLive,
    instances.start,
    instances.stop,
    instances.describe,
    instances.check,
    priceListGrant,
    schedules.handOver,
    workEventSoon,
    known,
    launch,
    terminate,
  ]);
  // Encrypts the secret answers of a schedule; these grants give access to the project's data key.
  give(functions.scheduledStart, [...assign, secrets.open, audited]);
  // Likewise for the answers in the event.
  give(functions.integrationEvents, [...assign, secrets.open, audited]);
  give(functions.firstToken, [items('PutItem'), audited]);
  give(functions.rotateSecrets, [
    items('GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem'),
    queryLive,
    secrets.openAndSeal,
    audited,
  ]);
};
