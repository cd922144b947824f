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
import { Duration, RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';

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
      NODE_OPTIONS: '--enable-source-maps',
      POWERTOOLS_METRICS_NAMESPACE: props.metricsNamespace,
    },
    loggingFormat: LoggingFormat.JSON,
    ...(props.traced && { tracing: Tracing.ACTIVE }),
    role,
    logGroup,
  });
};
