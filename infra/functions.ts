/** The functions: code, runtime, and a role and a log group for each. */
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Bundles } from './bundle.ts';
import type { Settings } from './settings.ts';

export interface FunctionProps {
  /** Purpose of the function, shown in the AWS console. */
  readonly description: string;
  /** Folder with its `index.mjs`. */
  readonly folder: string;
  readonly timeoutSeconds: number;
  /** Memory; the share of a processor grows with it. @default 256, the cheapest where nobody waits */
  readonly memoryMb?: number;
  /** Namespace of its metrics. */
  readonly metricsNamespace: string;
  /** True if the function sends traces to X-Ray. */
  readonly traced: boolean;
}

/** Makes a function that may only write its own log. */
export const makeFunction = (scope: Construct, name: string, props: FunctionProps): LambdaFunction => {
  const within = new Construct(scope, name);
  const logGroup = new LogGroup(within, 'Log', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new Role(within, 'Role', {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    description: `Reveille: ${props.description}`,
  });
  logGroup.grantWrite(role);
  return new LambdaFunction(within, 'Function', {
    description: `Reveille: ${props.description}`,
    code: Code.fromAsset(props.folder),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: props.memoryMb ?? 256,
    timeout: Duration.seconds(props.timeoutSeconds),
    environment: {
      METRICS_NAMESPACE: props.metricsNamespace,
    },
    loggingFormat: LoggingFormat.JSON,
    tracing: props.traced ? Tracing.ACTIVE : undefined,
    role,
    logGroup,
  });
};

/**
 * Timeout of functions behind the API. API Gateway's is 30 s (AWS: HTTP API quotas); a function ends before,
 * so that its log has the reason.
 */
const httpTimeoutSeconds = 29;
export const eventTimeoutSeconds = 30;

/** Adds a function from its folder of `lambdas/`; the folder's name in Pascal case is the construct id. */
export type AddFunction = (
  name: string,
  description: string,
  timeoutSeconds: number,
  memoryMb?: number,
) => LambdaFunction;

const pascalCase = (name: string): string =>
  name.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());

export const addingTo =
  (stack: Stack, settings: Settings, { folderOf }: Pick<Bundles, 'folderOf'>): AddFunction =>
  (name, description, timeoutSeconds, memoryMb) =>
    makeFunction(stack, pascalCase(name), {
      folder: folderOf(name),
      description,
      timeoutSeconds,
      memoryMb,
      metricsNamespace: settings.stackName,
      // A function that runs each minute would send tens of thousands of traces without use.
      traced: settings.tracing && name !== 'reconcile',
    });

/**
 * Memory of the functions for which somebody waits, from the processor time measured on one machine (`npm
 * run bench:cold`, and calls on the local stack); not measured on AWS. Lambda gives a whole processor at
 * 1,769 MB and a share of it below (AWS: Lambda function memory). It bills memory x time, 13.3 micro-dollars
 * for 1 GB s. So work costs the same everywhere and ends sooner with more; waiting costs more with more.
 *
 * A cold `runner-power` works 75 ms to load and 75 ms for its one call. About 400 ms it waits for AWS, taken
 * from EC2's usual answers.
 *
 *    MB    work    whole   micro-dollars
 *    256   1.04 s  1.44 s   4.8
 *    512   0.52 s  0.92 s   6.1
 *   1024   0.26 s  0.66 s   8.8
 *   1769   0.15 s  0.55 s  12.7
 *
 * The instance that it starts costs at least 280 (a minute of t4g.small), so half a second for 4 to 7 is
 * well paid: it takes 1,769. A cold call of `api` works 140 + 80 ms: 0.76 s at 512 and 0.38 s at 1,024. A
 * warm one works 5 ms and waits 20: 0.26 micro-dollars at 512, 0.39 at 1,024, 0.59 at 1,769. API Gateway
 * takes 1.0 for each. Most calls are warm and many are agents', for which nobody waits: it takes 1,024.
 */
const wakingMemoryMb = 1769;
const apiMemoryMb = 1024;

/** Adds the functions of the control plane, except those of Semaphore and of the console. */
export const addFunctions = (add: AddFunction) => ({
  api: add('api', 'the API', httpTimeoutSeconds, apiMemoryMb),
  taskStart: add(
    'task-start',
    'starts instances at the webhooks of others',
    httpTimeoutSeconds,
    wakingMemoryMb,
  ),
  taskFinish: add('task-finish', 'stops instances at the webhooks of others', httpTimeoutSeconds),
  runnerPower: add(
    'runner-power',
    'starts instances for tasks and by hand, and stops those without work',
    eventTimeoutSeconds,
    wakingMemoryMb,
  ),
  instanceEvents: add('instance-events', 'follows the states of instances', eventTimeoutSeconds),
  webhookRetry: add('webhook-retry', 'sends webhooks again that nobody acknowledged', eventTimeoutSeconds),
  reconcile: add('reconcile', 'finds each minute what got lost', 60),
  scheduledStart: add(
    'scheduled-start',
    'starts the templates of schedules that are due',
    eventTimeoutSeconds,
  ),
  integrationEvents: add(
    'integration-events',
    'starts the templates of integrations for events that came in',
    eventTimeoutSeconds,
  ),
  firstToken: add('first-token', 'makes an admin token for an operator', 10),
  rotateSecrets: add('rotate-secrets', 'encrypts secrets again', 900),
});

/** The functions of the control plane, by name. */
export type Functions = ReturnType<typeof addFunctions>;
