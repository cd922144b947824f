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
  /** Memory; CPU grows with it. @default 256 */
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

/** Adds the functions of the control plane, except those of Semaphore and of the console. */
export const addFunctions = (add: AddFunction) => ({
  api: add('api', 'the API', httpTimeoutSeconds, 512),
  taskStart: add('task-start', 'starts instances for tasks', httpTimeoutSeconds, 512),
  taskFinish: add('task-finish', 'stops instances that keep no idle time', httpTimeoutSeconds),
  runnerPower: add(
    'runner-power',
    'stops instances whose agent has drained, and starts those that are woken by hand',
    eventTimeoutSeconds,
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
