/** The control plane as one CloudFormation stack: docs/contributing/architecture.md in AWS resources. */
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { CfnOutput, Duration, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Bundles } from './bundle.ts';
import { Console } from './console.ts';
import { buryFailures, leaveToTheNextMinute } from './failed-events.ts';
import type { FleetSettings } from './fleets.ts';
import {
  type AddFunction,
  addFunctions,
  addingTo,
  eventTimeoutSeconds,
  type Functions,
} from './functions.ts';
import { give, stackTag } from './grants.ts';
import { addRoutes, makeHttpApi } from './http-api.ts';
import { instanceEvents as eventsOfInstances } from './instance-events.ts';
import { Observability, type ObservabilityProps } from './observability.ts';
import { givePermissions, makeRunnerRole, type Resources, webhookRetriesMax } from './permissions.ts';
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

/** Resources of each stack, also of one that serves only a Semaphore server. */
type Base = Pick<Resources, 'table' | 'httpApi' | 'audited'> & { readonly removalPolicy: RemovalPolicy };

export class ReveilleStack extends Stack {
  readonly #props: ReveilleStackProps;

  constructor(scope: Construct, props: ReveilleStackProps) {
    const { settings, bundles } = props;
    super(scope, settings.stackName, {
      description:
        'Reveille: wakes cloud runners when there is work, and puts them back to sleep when there is none',
    });
    this.#props = props;
    Tags.of(this).add(stackTag, settings.stackName, {
      // CloudFormation's schema has no tags for it (cfn-lint).
      excludeResourceTypes: ['AWS::CloudWatch::Dashboard'],
    });
    const base = this.#makeBase();
    new Semaphore(this, 'Semaphore', { ...base, bundles });
    this.#output({ TableName: base.table.tableName });
    if (settings.semaphoreOnly) this.#observe();
    else this.#addControlPlane(base);
  }

  #makeBase(): Base {
    const { settings } = this.#props;
    // They contain the users' data: removing the stack must keep them, unless its operator has chosen
    // otherwise. A failed first deployment leaves none behind.
    const removalPolicy = settings.keepData
      ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
      : RemovalPolicy.DESTROY;
    return {
      removalPolicy,
      table: makeTable(this, { removalPolicy, adopt: settings.tableName }),
      httpApi: makeHttpApi(this, settings.stackName),
      audited: { environment: { AUDIT_RETENTION_DAYS: String(settings.auditRetentionDays) } },
    };
  }

  #addControlPlane(base: Base): void {
    const { settings, fleets, bundles, root } = this.#props;
    const { httpApi, removalPolicy } = base;
    const deadLetters = makeDeadLetters(this);
    const webhookRetries = makeWorkQueue(this, 'WebhookRetries', {
      maxReceiveCount: webhookRetriesMax,
      functionTimeoutSeconds: eventTimeoutSeconds,
      deadLetters,
    });
    const add = addingTo(this, settings, bundles);
    const functions = addFunctions(add);
    const runnerRole = makeRunnerRole(this, functions);
    const page = settings.console ? this.#addConsole(base, add) : undefined;
    const secrets = makeSecretsKey(this, { removalPolicy, adopt: settings.secretsKeyArn });
    const schedules = makeSchedules(this, {
      prefix: settings.prefix,
      starter: functions.scheduledStart,
      deadLetters,
    });
    givePermissions(this, functions, {
      ...base,
      settings,
      fleets,
      webhookRetries,
      runnerRole,
      secrets,
      schedules,
      // Without a console, users' programs reach the API as agents do.
      reachedByPeople: page?.grant ?? { environment: { CONSOLE_URL: httpApi.apiEndpoint } },
    });
    addRoutes(httpApi, functions);
    this.#addTriggers(functions, webhookRetries, deadLetters);
    const runner = new RunnerInstance(this, 'RunnerInstance', {
      instanceType: settings.runnerInstanceType,
      vpcId: settings.runnerVpcId,
      agentFile: bundles.agentFile,
      unitFolder: `${root}/runner-agent/host`,
      tags: { [stackTag]: settings.stackName },
    });
    this.#observe({ deadLetters, dashboard: settings.dashboard });
    this.#output({
      ...(page && { ConsoleUrl: page.url }),
      ApiUrl: httpApi.apiEndpoint,
      FirstTokenFunctionName: functions.firstToken.functionName,
      RotateSecretsFunctionName: functions.rotateSecrets.functionName,
      RunnerLaunchTemplateId: runner.launchTemplateId,
      RunnerAgentLocation: runner.agentLocation,
    });
  }

  #addConsole({ httpApi }: Base, add: AddFunction): Console {
    const maker = add(
      'console-files',
      'puts the console into its bucket, and makes the key of the edge',
      120,
    );
    const page = new Console(this, 'Console', { httpApi, files: this.#props.bundles.consoleFolder, maker });
    give(maker, page.publishBy(maker));
    return page;
  }

  /** Connects functions to what invokes them beside the API, and says what happens to events that fail. */
  #addTriggers(functions: Functions, webhookRetries: Queue, deadLetters: Queue): void {
    const { runnerPower, instanceEvents, scheduledStart, integrationEvents, reconcile } = functions;
    for (const fn of [runnerPower, instanceEvents, scheduledStart, integrationEvents]) {
      buryFailures(fn, deadLetters);
    }
    leaveToTheNextMinute(reconcile);
    // One at a time, as each may wait for a receiver that does not answer.
    workOff(webhookRetries, functions.webhookRetry, 1);
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
  }

  /** Adds the observability; comes last, as it needs every function. */
  #observe(whole?: ObservabilityProps['whole']): void {
    const { stackName, alarmEmail, runbookUrl } = this.#props.settings;
    const { topic } = new Observability(this, 'Observability', {
      namespace: stackName,
      stack: this,
      alarmEmail,
      runbookUrl,
      whole,
    });
    this.#output({ AlarmTopicArn: topic.topicArn });
  }

  #output(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) new CfnOutput(this, name, { value });
  }
}
