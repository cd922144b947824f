/** The functions of a template, with their roles and what invokes them: routes, queues and rules. */
import type { Assets } from './file.ts';
import * as properties from './resource-properties.ts';
import { hereIn, type Resources } from './resources.ts';
import type { EventSourceSpec, FunctionSpec, RoleSpec, RouteSpec, RuleSpec } from './stack-spec.ts';

/** Concurrent batches of one queue (Lambda's maximum concurrency), kept small for one machine. */
const defaultSourceConcurrency = 5;

/** Returns the roles, each with its own policies and those attached to it. */
export const rolesIn = ({ ofType }: Resources): RoleSpec[] => {
  const policies = ofType('AWS::IAM::Policy').map(({ read }) => read(properties.policy));
  return ofType('AWS::IAM::Role').map(({ logicalId, identity, arn, read }) => {
    const { AssumeRolePolicyDocument, Policies } = read(properties.role);
    const attached = policies.filter(({ Roles }) => Roles.includes(identity.ref));
    return {
      logicalId,
      name: identity.ref,
      arn,
      trust: AssumeRolePolicyDocument,
      policies: [...Policies, ...attached].map(({ PolicyDocument }) => PolicyDocument),
    };
  });
};

export const functionsIn = (
  { ofType, place }: Resources,
  roles: readonly RoleSpec[],
  assets: Assets,
): FunctionSpec[] => {
  const asyncInvokes = ofType('AWS::Lambda::EventInvokeConfig').map(({ read }) =>
    read(properties.eventInvokeConfig),
  );
  return ofType('AWS::Lambda::Function').map(({ logicalId, identity, arn, read }) => {
    const found = read(properties.lambda);
    const codeDir = assets.get(found.Code.S3Key);
    const role = roles.find((one) => one.arn === found.Role);
    if (!codeDir) throw new Error(`The code of ${logicalId} (${found.Code.S3Key}) is not among the assets.`);
    if (!role) throw new Error(`The role of ${logicalId} (${found.Role}) is not in the template.`);
    const asyncInvoke = asyncInvokes.find(({ FunctionName }) => FunctionName === identity.ref);
    return {
      logicalId,
      label: labelOf(logicalId),
      name: identity.ref,
      arn,
      role,
      codeDir,
      handler: found.Handler,
      environment: hereIn(found.Environment?.Variables ?? {}, place),
      timeoutMs: found.Timeout * 1000,
      memoryMb: found.MemorySize,
      traced: found.TracingConfig?.Mode === 'Active',
      asyncRetriesMax: asyncInvoke?.MaximumRetryAttempts,
      failuresArn: asyncInvoke?.DestinationConfig?.OnFailure.Destination,
      logGroup: found.LoggingConfig.LogGroup,
    };
  });
};

export const routesIn = ({ ofType }: Resources): RouteSpec[] => {
  const integrations = new Map(
    ofType('AWS::ApiGatewayV2::Integration').map(({ identity, read }) => [
      identity.ref,
      read(properties.integration),
    ]),
  );
  return ofType('AWS::ApiGatewayV2::Route').map(({ logicalId, read }) => {
    const { RouteKey, Target } = read(properties.route);
    const target = integrations.get(Target.replace(/^integrations\//, ''));
    if (!target) throw new Error(`The route ${logicalId} has no integration (${Target}).`);
    return {
      routeKey: RouteKey,
      functionArn: functionArnIn(target.IntegrationUri),
      timeoutMs: target.TimeoutInMillis,
    };
  });
};

export const eventSourcesIn = (
  { ofType }: Resources,
  functions: readonly FunctionSpec[],
): EventSourceSpec[] =>
  ofType('AWS::Lambda::EventSourceMapping')
    .map(({ read }) => read(properties.eventSource))
    .filter(({ Enabled }) => Enabled)
    .map((source) => ({
      queueArn: source.EventSourceArn,
      functionArn: functionByName(functions, source.FunctionName).arn,
      batchSize: source.BatchSize,
      reportsBatchItemFailures: source.FunctionResponseTypes.length > 0,
      maximumConcurrency: source.ScalingConfig?.MaximumConcurrency ?? defaultSourceConcurrency,
    }));

export const rulesIn = ({ ofType }: Resources): RuleSpec[] =>
  ofType('AWS::Events::Rule')
    .map(({ arn, read }) => ({ arn, ...read(properties.rule) }))
    .filter(({ State }) => State === 'ENABLED')
    .map(({ arn, ScheduleExpression, EventPattern, Targets }) => ({
      arn,
      schedule: ScheduleExpression,
      pattern: EventPattern,
      targetArns: Targets.map(({ Arn }) => Arn),
    }));

const labelOf = (logicalId: string): string =>
  logicalId
    .replace(/[0-9A-F]{8}$/, '')
    .replace(/Function$/, '')
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-')
    .toLowerCase();

/** Finds the function of an event source mapping, which names it by name or by ARN. */
const functionByName = (functions: readonly FunctionSpec[], nameOrArn: string): FunctionSpec => {
  const found = functions.find(({ name, arn }) => name === nameOrArn || arn === nameOrArn);
  if (!found) throw new Error(`The function ${nameOrArn} is not in the template.`);
  return found;
};

/**
 * Returns a function's ARN from an integration: the ARN itself, or a path of Lambda's API that contains it.
 */
const functionArnIn = (uri: string): string => /functions\/(arn:[^/]+)\/invocations$/.exec(uri)?.[1] ?? uri;
