/** The control plane as one CloudFormation stack: docs/contributing/architecture.md in AWS resources. */
import { HttpApi, HttpMethod, HttpRoute, HttpRouteKey } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { Role } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { CfnOutput, Duration, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { accessLog } from './access-log.ts';
import type { Bundles } from './bundle.ts';
import { Console } from './console.ts';
import { buryFailures, leaveToTheNextMinute } from './failed-events.ts';
import { fleetGrants } from './fleet-grants.ts';
import type { FleetSettings } from './fleets.ts';
import { makeFunction } from './functions.ts';
import {
  allow,
  type Grant,
  give,
  instanceGrants,
  invoke,
  priceListGrant,
  sendTo,
  stackTag,
  tableGrants,
  taskQueueGrants,
  vendCredentials,
} from './grants.ts';
import { instanceEvents as eventsOfInstances } from './instance-events.ts';
import { Observability, type ObservabilityProps } from './observability.ts';
import { RunnerInstance } from './runner-instance.ts';
import { makeSchedules } from './schedules.ts';
import { makeSecretsKey } from './secrets.ts';
import { Semaphore } from './semaphore.ts';
import type { Settings } from './settings.ts';
import { makeTable } from './table.ts';
import { makeDeadLetters, makeWorkQueue, workOff } from './work-queue.ts';

export interface ReveilleStackProps {
  readonly settings: Settings;
  readonly fleets: readonly FleetSettings[];
  readonly bundles: Omit<Bundles, 'cliFile'>;
  /** The root of the repository. */
  readonly root: string;
}

/**
 * Timeout of functions behind the API. API Gateway's is 30 s (AWS: HTTP API quotas); a function ends before,
 * so that its log has the reason.
 */
const httpTimeoutSeconds = 29;
const eventTimeoutSeconds = 30;

/**
 * Maximum retries. With the delays of `webhook-retry` between them they take about three quarters of an hour.
 */
const webhookRetriesMax = 10;

export class ReveilleStack extends Stack {
  constructor(scope: Construct, { settings, fleets, bundles, root }: ReveilleStackProps) {
    super(scope, settings.stackName, {
      description:
        'Reveille: wakes cloud runners when there is work, and puts them back to sleep when there is none',
    });

    Tags.of(this).add(stackTag, settings.stackName, {
      // CloudFormation's schema has no tags for it (cfn-lint).
      excludeResourceTypes: ['AWS::CloudWatch::Dashboard'],
    });
    // They contain the users' data: removing the stack must keep them, unless its operator has chosen
    // otherwise. A failed first deployment leaves none behind.
    const removalPolicy = settings.keepData
      ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
      : RemovalPolicy.DESTROY;
    const table = makeTable(this, { removalPolicy, adopt: settings.tableName });
    const httpApi = new HttpApi(this, 'HttpApi', { apiName: settings.stackName, createDefaultStage: false });
    // Limits the cost of a runaway client; a thousand busy agents stay below.
    httpApi.addStage('DefaultStage', {
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: 500, burstLimit: 1000 },
      accessLogSettings: accessLog(this, settings.stackName),
    });
    const audited: Grant = { environment: { AUDIT_RETENTION_DAYS: String(settings.auditRetentionDays) } };
    new Semaphore(this, 'Semaphore', { table, httpApi, bundles, audited });
    new CfnOutput(this, 'TableName', { value: table.tableName });
    if (settings.semaphoreOnly) {
      this.#observe(settings);
      return;
    }

    const deadLetters = makeDeadLetters(this);
    const webhookRetries = makeWorkQueue(this, 'WebhookRetries', {
      maxReceiveCount: webhookRetriesMax,
      functionTimeoutSeconds: eventTimeoutSeconds,
      deadLetters,
    });

    const addFunction = (
      id: string,
      name: string,
      description: string,
      timeoutSeconds: number,
      memoryMb = 256,
    ): LambdaFunction =>
      makeFunction(this, id, {
        folder: bundles.folderOf(name),
        description,
        timeoutSeconds,
        memoryMb,
        metricsNamespace: settings.stackName,
        // A function that runs each minute would send tens of thousands of traces without use.
        traced: settings.tracing && name !== 'reconcile',
      });

    const api = addFunction('Api', 'api', 'the API', httpTimeoutSeconds, 512);
    const taskStart = addFunction(
      'TaskStart',
      'task-start',
      'starts instances for tasks',
      httpTimeoutSeconds,
      512,
    );
    const taskFinish = addFunction(
      'TaskFinish',
      'task-finish',
      'stops instances that keep no idle time',
      httpTimeoutSeconds,
    );
    const runnerPower = addFunction(
      'RunnerPower',
      'runner-power',
      'stops instances whose agent has drained, and starts those that are woken by hand',
      eventTimeoutSeconds,
    );
    const instanceEvents = addFunction(
      'InstanceEvents',
      'instance-events',
      'follows the states of instances',
      eventTimeoutSeconds,
    );
    const webhookRetry = addFunction(
      'WebhookRetry',
      'webhook-retry',
      'sends webhooks again that nobody acknowledged',
      eventTimeoutSeconds,
    );
    const reconcile = addFunction('Reconcile', 'reconcile', 'finds each minute what got lost', 60);
    const scheduledStart = addFunction(
      'ScheduledStart',
      'scheduled-start',
      'starts the templates of schedules that are due',
      eventTimeoutSeconds,
    );
    const integrationEvents = addFunction(
      'IntegrationEvents',
      'integration-events',
      'starts the templates of integrations for events that came in',
      eventTimeoutSeconds,
    );
    const firstToken = addFunction('FirstToken', 'first-token', 'makes an admin token for an operator', 10);
    const rotateSecrets = addFunction('RotateSecrets', 'rotate-secrets', 'encrypts secrets again', 900);
    const addConsole = (): Console => {
      const maker = addFunction(
        'ConsoleFiles',
        'console-files',
        'puts the console into its bucket, and makes the key of the edge',
        120,
      );
      const made = new Console(this, 'Console', { httpApi, files: bundles.consoleFolder, maker });
      give(maker, made.publishBy(maker));
      return made;
    };

    const runnerRole = new Role(this, 'RunnerRole', {
      assumedBy: api.grantPrincipal,
      description: 'Reveille: what agents may do; a session policy narrows it to the queues of one runner',
    });

    const page = settings.console ? addConsole() : undefined;
    // Without a console, users' programs reach the API as agents do.
    const reachedByPeople: Grant = page?.grant ?? { environment: { CONSOLE_URL: httpApi.apiEndpoint } };
    const secrets = makeSecretsKey(this, { removalPolicy, adopt: settings.secretsKeyArn });
    const schedules = makeSchedules(this, {
      prefix: settings.prefix,
      starter: scheduledStart,
      deadLetters,
    });
    const inTable = tableGrants(table);
    const taskQueues = taskQueueGrants(this, settings.prefix, settings.stackName);
    const instances = instanceGrants(this, settings.stackName);
    const { known, launch, terminateIdle, terminate } = fleetGrants(this, settings.stackName, fleets);
    const settlePowerSoon = invoke(runnerPower, 'RUNNER_POWER_ARN');
    const workEventSoon = invoke(integrationEvents, 'INTEGRATION_EVENTS_ARN');
    const retryWebhooks = sendTo(webhookRetries, 'WEBHOOK_RETRIES_QUEUE_URL');
    const ownUrl = { environment: { API_URL: httpApi.apiEndpoint } };
    const { webhookAllowed } = settings;
    const webhookReach: Grant = {
      ...(webhookAllowed.length > 0 && { environment: { WEBHOOK_ALLOWED: webhookAllowed.join(',') } }),
    };
    const place = [
      inTable.items('GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem'),
      taskQueues.ring,
      retryWebhooks,
      webhookReach,
      ownUrl,
    ];
    const receiveWebhook = inTable.items('GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem');

    for (const statement of taskQueues.receive) runnerRole.addToPolicy(statement);
    give(api, [
      ...place,
      inTable.items('DeleteItem', 'ConditionCheckItem'),
      inTable.queryLive,
      taskQueues.remove,
      settlePowerSoon,
    ]);
    give(api, [audited, known]);
    give(api, [reachedByPeople, secrets.openAndSeal, vendCredentials(runnerRole, taskQueues.arnPrefix)]);
    give(api, [schedules.handOver, workEventSoon]);
    give(taskStart, [
      receiveWebhook,
      secrets.open,
      instances.start,
      instances.describe,
      ownUrl,
      known,
      launch,
    ]);
    give(taskFinish, [
      receiveWebhook,
      secrets.open,
      instances.stop,
      instances.describe,
      known,
      terminateIdle,
    ]);
    give(runnerPower, [inTable.items('GetItem', 'UpdateItem'), instances.start, instances.stop]);
    give(runnerPower, [instances.describe, ownUrl, known, launch, terminateIdle]);
    // An item binds a launched instance to its runner.
    if (fleets.length > 0) give(runnerPower, [inTable.items('PutItem')]);
    give(instanceEvents, [...place, secrets.open, inTable.queryLive, instances.start, instances.describe]);
    give(instanceEvents, [known, launch]);
    give(webhookRetry, [
      secrets.open,
      inTable.items('GetItem', 'BatchGetItem', 'UpdateItem'),
      webhookReach,
      // A delivery that is not due yet is delayed by a new message.
      retryWebhooks,
      retriesOf(webhookRetries, webhookRetriesMax),
    ]);
    give(reconcile, [
      ...place,
      secrets.open,
      inTable.queryLive,
      instances.start,
      instances.stop,
      instances.describe,
      instances.check,
      priceListGrant,
      inTable.items('DeleteItem'),
      schedules.handOver,
      workEventSoon,
      known,
      launch,
      terminate,
    ]);
    // Encrypts the secret answers of a schedule; these grants give access to the project's data key.
    give(scheduledStart, [...place, secrets.open, audited]);
    // Likewise for the answers in the event, which is deleted once it has an outcome.
    give(integrationEvents, [...place, inTable.items('DeleteItem'), secrets.open, audited]);
    give(firstToken, [inTable.items('PutItem'), audited]);
    give(rotateSecrets, [
      inTable.items('GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem'),
      inTable.queryLive,
      secrets.openAndSeal,
      audited,
    ]);

    addRoutes(httpApi, { api, taskStart, taskFinish });
    for (const fn of [runnerPower, instanceEvents, scheduledStart, integrationEvents]) {
      buryFailures(fn, deadLetters);
    }
    leaveToTheNextMinute(reconcile);
    // One at a time, as each may wait for a receiver that does not answer.
    workOff(webhookRetries, webhookRetry, 1);
    new Rule(this, 'InstanceStateChanges', {
      description: 'Tells Reveille what becomes of the instances of its runners',
      eventPattern: eventsOfInstances,
      targets: [new LambdaTarget(instanceEvents)],
    });
    new Rule(this, 'EachMinute', {
      description: 'Has Reveille find what got lost',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaTarget(reconcile)],
    });

    const runner = new RunnerInstance(this, 'RunnerInstance', {
      instanceType: settings.runnerInstanceType,
      vpcId: settings.runnerVpcId,
      agentFile: bundles.agentFile,
      unitFolder: `${root}/runner-agent/host`,
      tags: { [stackTag]: settings.stackName },
    });

    this.#observe(settings, { deadLetters, dashboard: settings.dashboard });
    const outputs = {
      ...(page && { ConsoleUrl: page.url }),
      ApiUrl: httpApi.apiEndpoint,
      FirstTokenFunctionName: firstToken.functionName,
      RotateSecretsFunctionName: rotateSecrets.functionName,
      RunnerLaunchTemplateId: runner.launchTemplateId,
      RunnerAgentLocation: runner.agentLocation,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }

  /** Adds the observability; comes last, as it needs every function. */
  #observe({ stackName, alarmEmail, runbookUrl }: Settings, whole?: ObservabilityProps['whole']): void {
    const { topic } = new Observability(this, 'Observability', {
      namespace: stackName,
      stack: this,
      alarmEmail,
      runbookUrl,
      whole,
    });
    new CfnOutput(this, 'AlarmTopicArn', { value: topic.topicArn });
  }
}

/** Allows `webhook-retry` to set a message's next delivery. `workOff` grants the other permissions. */
const retriesOf = (queue: Queue, max: number): Grant => ({
  environment: { WEBHOOK_RETRIES_MAX: String(max) },
  statements: [allow(['sqs:ChangeMessageVisibility'], [queue.queueArn])],
});

const addRoutes = (
  httpApi: HttpApi,
  { api, taskStart, taskFinish }: Record<'api' | 'taskStart' | 'taskFinish', LambdaFunction>,
): void => {
  const webhook = (path: string, id: string, fn: LambdaFunction) =>
    httpApi.addRoutes({ path, methods: [HttpMethod.POST], integration: new HttpLambdaIntegration(id, fn) });
  webhook('/webhooks/task-start', 'TaskStart', taskStart);
  webhook('/webhooks/task-finish', 'TaskFinish', taskFinish);
  new HttpRoute(httpApi, 'DefaultRoute', {
    httpApi,
    routeKey: HttpRouteKey.DEFAULT,
    integration: new HttpLambdaIntegration('Api', api),
  });
};
