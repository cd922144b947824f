/** Interprets a synthesized template: tables, queues, functions, routes, triggers, roles. */
import * as z from 'zod';
import { readDistribution } from './distribution.ts';
import type { Assets, resource, Template } from './file.ts';
import { isRecord, resolve } from './intrinsics.ts';
import { distributionDomain, type Identity, isCustom, type Place } from './resource-ids.ts';
import * as properties from './resource-properties.ts';
import { scopeOf } from './scope.ts';
import type { FunctionSpec, RoleSpec, RouteSpec, StackSpec } from './stack-spec.ts';

/** Concurrent batches of one queue (Lambda's maximum concurrency), kept small for one machine. */
const defaultSourceConcurrency = 5;

/**
 * Returns the template's resources for an account, region and stack. Throws an error that names an
 * unsupported resource.
 */
export const interpret = (template: Template, assets: Assets, place: Place): StackSpec => {
  const scope = scopeOf(template, place);
  const isMade = ({ Condition }: z.infer<typeof resource>) =>
    Condition === undefined || scope.condition(Condition);

  const all = Object.entries(template.Resources)
    .filter(([, one]) => isMade(one))
    // Tags of most resources have no effect here; those of instances come with the launch.
    .map(
      ([
        logicalId,
        {
          Type,
          Properties: { Tags, ...Properties },
        },
      ]) => ({
        logicalId,
        type: Type,
        identity: scope.identity(logicalId),
        tags: () => properties.tagList.parse(resolve(Tags, scope)),
        /** Resolves on demand: an inert resource may use functions that are unsupported here. */
        read: <T extends z.ZodType>(schema: T): z.infer<T> => {
          const parsed = schema.safeParse(resolve(Properties, scope));
          if (parsed.success) return parsed.data;
          throw new Error(
            `The stack on one machine cannot run ${Type} ${logicalId}:\n${z.prettifyError(parsed.error)}`,
          );
        },
      }),
    );
  const ofType = (...types: string[]) => all.filter(({ type }) => types.includes(type));
  const arnOf = ({ attributes }: Identity): string => attributes.Arn ?? '';

  const policies = ofType('AWS::IAM::Policy').map(({ read }) => read(properties.policy));
  const roles = ofType('AWS::IAM::Role').map(({ logicalId, identity, read }): RoleSpec => {
    const { AssumeRolePolicyDocument, Policies } = read(properties.role);
    const attached = policies.filter(({ Roles }) => Roles.includes(identity.ref));
    return {
      logicalId,
      name: identity.ref,
      arn: arnOf(identity),
      trust: AssumeRolePolicyDocument,
      policies: [...Policies, ...attached].map(({ PolicyDocument }) => PolicyDocument),
    };
  });

  const eventInvokeConfigs = ofType('AWS::Lambda::EventInvokeConfig').map(({ read }) =>
    read(properties.eventInvokeConfig),
  );
  const functions = ofType('AWS::Lambda::Function').map(({ logicalId, identity, read }): FunctionSpec => {
    const found = read(properties.lambda);
    const codeDir = assets.get(found.Code.S3Key);
    const asyncInvoke = eventInvokeConfigs.find(({ FunctionName }) => FunctionName === identity.ref);
    const itsRole = roles.find(({ arn }) => arn === found.Role);
    if (!codeDir) throw new Error(`The code of ${logicalId} (${found.Code.S3Key}) is not among the assets.`);
    if (!itsRole) throw new Error(`The role of ${logicalId} (${found.Role}) is not in the template.`);
    return {
      logicalId,
      label: labelOf(logicalId),
      name: identity.ref,
      arn: arnOf(identity),
      role: itsRole,
      codeDir,
      handler: found.Handler,
      environment: hereIn(found.Environment?.Variables ?? {}, place),
      timeoutMs: found.Timeout * 1000,
      memoryMb: found.MemorySize,
      traced: found.TracingConfig?.Mode === 'Active',
      ...(asyncInvoke && { asyncRetriesMax: asyncInvoke.MaximumRetryAttempts }),
      ...(asyncInvoke?.DestinationConfig && {
        failuresArn: asyncInvoke.DestinationConfig.OnFailure.Destination,
      }),
      ...(found.LoggingConfig.LogGroup !== undefined && { logGroup: found.LoggingConfig.LogGroup }),
    };
  });

  const integrations = new Map(
    ofType('AWS::ApiGatewayV2::Integration').map(({ identity, read }) => [
      identity.ref,
      read(properties.integration),
    ]),
  );
  const routes = ofType('AWS::ApiGatewayV2::Route').map(({ logicalId, read }): RouteSpec => {
    const { RouteKey, Target } = read(properties.route);
    const target = integrations.get(Target.replace(/^integrations\//, ''));
    if (!target) throw new Error(`The route ${logicalId} has no integration (${Target}).`);
    return {
      routeKey: RouteKey,
      functionArn: functionArnIn(target.IntegrationUri),
      timeoutMs: target.TimeoutInMillis,
    };
  });

  const profiles = new Map(
    ofType('AWS::IAM::InstanceProfile').flatMap(({ identity, read }) => {
      const [name] = read(properties.instanceProfile).Roles;
      const found = roles.find((one) => one.name === name);
      return found ? [[arnOf(identity), found] as const] : [];
    }),
  );

  const securityGroups = new Map(
    ofType('AWS::EC2::SecurityGroup').map(({ identity, tags }) => [identity.attributes.GroupId, tags()]),
  );

  const buckets = ofType('AWS::S3::Bucket');
  const distribution = readDistribution({
    buckets,
    distributions: ofType('AWS::CloudFront::Distribution'),
    functions: ofType('AWS::CloudFront::Function'),
    headersPolicies: ofType('AWS::CloudFront::ResponseHeadersPolicy'),
    httpApis: ofType('AWS::ApiGatewayV2::Api'),
  });

  return {
    place,
    ...(distribution && { distribution }),
    kmsKeys: ofType('AWS::KMS::Key').map(({ identity, read }) => ({
      arn: arnOf(identity),
      policy: read(properties.kmsKey).KeyPolicy,
    })),
    scheduleGroups: ofType('AWS::Scheduler::ScheduleGroup').map(({ identity }) => identity.ref),
    buckets: buckets.map(({ identity }) => identity.ref),
    customResources: all
      .filter(({ type }) => isCustom(type))
      .map(({ logicalId, type, read }) => {
        const { ServiceToken, ...others } = read(properties.customResource);
        return { logicalId, type, functionArn: ServiceToken, properties: others };
      }),
    launchTemplates: ofType('AWS::EC2::LaunchTemplate')
      // A launch template without a name is for operators.
      .filter(({ read }) => read(properties.named).LaunchTemplateName !== undefined)
      .map(({ logicalId, identity, read }) => {
        const {
          LaunchTemplateName,
          TagSpecifications,
          LaunchTemplateData: data,
        } = read(properties.launchTemplate);
        const itsRole = profiles.get(data.IamInstanceProfile.Arn);
        if (!itsRole) throw new Error(`The role of instances of ${logicalId} is not in the template.`);
        return {
          name: LaunchTemplateName,
          arn: `arn:aws:ec2:${place.region}:${place.accountId}:launch-template/${identity.attributes.LaunchTemplateId}`,
          region: place.region,
          tags: TagSpecifications['launch-template'] ?? {},
          tagsOf: data.TagSpecifications,
          securityGroupTags: securityGroups.get(data.SecurityGroupIds[0]) ?? {},
          imageId: data.ImageId,
          instanceType: data.InstanceType,
          role: itsRole,
          canHibernate: data.HibernationOptions?.Configured ?? false,
          showsTags: data.MetadataOptions.InstanceMetadataTags === 'enabled',
        };
      }),
    subnets: ofType('AWS::EC2::Subnet').map(({ identity, read, tags }) => ({
      id: identity.ref,
      region: place.region,
      zone: read(properties.subnet).AvailabilityZone,
      tags: tags(),
    })),
    tables: ofType('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable').map(({ identity, read }) => {
      const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes } = read(properties.table);
      return {
        name: identity.ref,
        keySchema: KeySchema,
        attributeDefinitions: AttributeDefinitions,
        globalSecondaryIndexes: GlobalSecondaryIndexes,
      };
    }),
    queues: ofType('AWS::SQS::Queue').map(({ identity, read }) => {
      const { QueueName: _, ...attributes } = read(z.record(z.string(), z.unknown()));
      return {
        name: identity.attributes.QueueName ?? '',
        url: identity.ref,
        arn: arnOf(identity),
        attributes: queueAttributes(attributes),
      };
    }),
    roles,
    functions,
    routes,
    eventSources: ofType('AWS::Lambda::EventSourceMapping')
      .map(({ read }) => read(properties.eventSource))
      .filter(({ Enabled }) => Enabled)
      .map((source) => ({
        queueArn: source.EventSourceArn,
        functionArn: functionByName(functions, source.FunctionName).arn,
        batchSize: source.BatchSize,
        reportsBatchItemFailures: source.FunctionResponseTypes.length > 0,
        maximumConcurrency: source.ScalingConfig?.MaximumConcurrency ?? defaultSourceConcurrency,
      })),
    rules: ofType('AWS::Events::Rule')
      .map(({ identity, read }) => ({ arn: arnOf(identity), ...read(properties.rule) }))
      .filter(({ State }) => State === 'ENABLED')
      .map(({ arn, ScheduleExpression, EventPattern, Targets }) => ({
        arn,
        ...(ScheduleExpression !== undefined && { schedule: ScheduleExpression }),
        ...(EventPattern && { pattern: EventPattern }),
        targetArns: Targets.map(({ Arn }) => Arn),
      })),
    outputs: hereIn(
      Object.fromEntries(
        Object.entries(template.Outputs).map(([name, { Value }]) => [name, resolve(Value, scope)]),
      ),
      place,
    ),
  };
};

/** Replaces CloudFront's address by this machine's. */
const hereIn = <T>(values: Readonly<Record<string, T>>, { apiUrl }: Place): Record<string, T | string> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.replaceAll(`https://${distributionDomain}`, apiUrl) : value,
    ]),
  );

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

/** Attributes for CreateQueue, which takes text for all of them and a redrive policy as JSON. */
const queueAttributes = (properties: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      isRecord(value) ? JSON.stringify(value) : String(value),
    ]),
  );
