/** Reads a synthesized CloudFormation template and says what is to run: tables, queues, functions, routes, triggers, roles. */
import { readFileSync } from 'node:fs';
import { dirname, resolve as resolvePath } from 'node:path';
import * as z from 'zod';
import { type DistributionSpec, readDistribution } from './distribution-template.ts';
import { isRecord, noValue, resolve, type Scope } from './intrinsics.ts';
import { distributionDomain, type Identity, identify, isCustom, type Place } from './resource-ids.ts';

export interface TableSpec {
  readonly name: string;
  readonly attributeDefinitions: unknown;
  readonly keySchema: unknown;
  readonly globalSecondaryIndexes: readonly unknown[];
}

export interface QueueSpec {
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  /** As CreateQueue takes them. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface RoleSpec {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly trust: unknown;
  readonly policies: readonly unknown[];
}

export interface FunctionSpec {
  readonly logicalId: string;
  /** For people: `task-start` for `TaskStartFunction` and CDK's hash. */
  readonly label: string;
  readonly name: string;
  readonly arn: string;
  readonly role: RoleSpec;
  /** Folder of the bundled code. */
  readonly codeDir: string;
  /** `file.export` */
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Of the queue for events that the function failed at to the end, when it was invoked asynchronously. */
  readonly failuresArn?: string;
  /** Absent when the function has Lambda's own log group. */
  readonly logGroup?: string;
  /** Whether Lambda sends traces of its invocations. */
  readonly traced: boolean;
}

export interface RouteSpec {
  /** `POST /path`, or `$default`. */
  readonly routeKey: string;
  readonly functionArn: string;
  readonly timeoutMs: number;
}

export interface EventSourceSpec {
  readonly queueArn: string;
  readonly functionArn: string;
  readonly batchSize: number;
  readonly reportsBatchItemFailures: boolean;
  readonly maximumConcurrency: number;
}

export interface RuleSpec {
  readonly arn: string;
  readonly schedule?: string;
  readonly pattern?: Readonly<Record<string, unknown>>;
  readonly targetArns: readonly string[];
}

export interface KmsKeySpec {
  readonly arn: string;
  /** Without its leave, no role's own policy counts. */
  readonly policy: unknown;
}

/** What a fleet launches instances from. */
export interface LaunchTemplateSpec {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  /** Of the launch template itself. */
  readonly tags: Readonly<Record<string, string>>;
  /** By the type of what is launched: `instance`, `volume`, `network-interface`. */
  readonly tagsOf: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** `ami-…`, or `resolve:ssm:/…` */
  readonly imageId: string;
  readonly instanceType: string;
  readonly role: RoleSpec;
  readonly canHibernate: boolean;
  /** Whether instances see their own tags in their metadata. */
  readonly showsTags: boolean;
}

export interface SubnetSpec {
  readonly id: string;
  readonly region: string;
  readonly zone: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface CustomResourceSpec {
  readonly logicalId: string;
  readonly type: string;
  /** Makes it. */
  readonly functionArn: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface StackSpec {
  readonly place: Place;
  readonly tables: readonly TableSpec[];
  readonly queues: readonly QueueSpec[];
  readonly roles: readonly RoleSpec[];
  readonly functions: readonly FunctionSpec[];
  readonly routes: readonly RouteSpec[];
  readonly eventSources: readonly EventSourceSpec[];
  readonly rules: readonly RuleSpec[];
  /** Names of groups in EventBridge Scheduler. */
  readonly scheduleGroups: readonly string[];
  readonly buckets: readonly string[];
  readonly kmsKeys: readonly KmsKeySpec[];
  readonly customResources: readonly CustomResourceSpec[];
  readonly launchTemplates: readonly LaunchTemplateSpec[];
  readonly subnets: readonly SubnetSpec[];
  /** What stands before buckets and HTTP API; without one, the HTTP API is reached as it is. */
  readonly distribution?: DistributionSpec;
  readonly outputs: Readonly<Record<string, unknown>>;
}

const resource = z.object({
  Type: z.string(),
  Condition: z.string().optional(),
  Properties: z.record(z.string(), z.unknown()).default({}),
});
const templateFile = z.object({
  Resources: z.record(z.string(), resource),
  Parameters: z.record(z.string(), z.object({ Default: z.unknown().optional() })).default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown() })).default({}),
});
const assetsFile = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string() }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
});

export type Template = z.infer<typeof templateFile>;

/** Folders of the assets, by the object key that the template gives for them. */
export type Assets = ReadonlyMap<string, string>;

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

/** Reads `<stack>.template.json` and the asset manifest beside it. */
export const readTemplate = (path: string): { template: Template; assets: Assets } => {
  const manifest = assetsFile.parse(readJson(path.replace(/\.template\.json$/, '.assets.json')));
  const assets = new Map<string, string>();
  for (const { source, destinations } of Object.values(manifest.files)) {
    for (const { objectKey } of Object.values(destinations)) {
      assets.set(objectKey, resolvePath(dirname(path), source.path));
    }
  }
  return { template: templateFile.parse(readJson(path)), assets };
};

const table = z.object({
  KeySchema: z.unknown(),
  AttributeDefinitions: z.unknown(),
  GlobalSecondaryIndexes: z
    .array(z.object({ IndexName: z.string(), KeySchema: z.unknown(), Projection: z.unknown() }))
    .default([]),
});
const role = z.object({
  AssumeRolePolicyDocument: z.unknown(),
  Policies: z.array(z.object({ PolicyDocument: z.unknown() })).default([]),
});
const policy = z.object({ PolicyDocument: z.unknown(), Roles: z.array(z.string()).default([]) });
const lambda = z.object({
  Code: z.object({ S3Key: z.string() }),
  Handler: z.string(),
  Role: z.string(),
  Timeout: z.coerce.number().default(3),
  MemorySize: z.coerce.number().default(128),
  Environment: z.object({ Variables: z.record(z.string(), z.coerce.string()).default({}) }).optional(),
  LoggingConfig: z.object({ LogGroup: z.string().optional() }).default({}),
  TracingConfig: z.object({ Mode: z.enum(['Active', 'PassThrough']) }).optional(),
});
const eventInvokeConfig = z.strictObject({
  FunctionName: z.string(),
  Qualifier: z.literal('$LATEST'),
  DestinationConfig: z.strictObject({ OnFailure: z.strictObject({ Destination: z.string() }) }),
});
const integration = z.strictObject({
  ApiId: z.string(),
  IntegrationType: z.literal('AWS_PROXY'),
  IntegrationUri: z.string(),
  PayloadFormatVersion: z.literal('2.0'),
  TimeoutInMillis: z.coerce.number().default(30_000),
});
const route = z.strictObject({
  ApiId: z.string(),
  RouteKey: z.string(),
  Target: z.string(),
  AuthorizationType: z.literal('NONE').default('NONE'),
});
const eventSource = z.strictObject({
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  BatchSize: z.coerce.number().int().min(1).max(10).default(10),
  Enabled: z.boolean().default(true),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
  ScalingConfig: z.strictObject({ MaximumConcurrency: z.coerce.number() }).optional(),
});
const rule = z.strictObject({
  Name: z.string().optional(),
  Description: z.string().optional(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  ScheduleExpression: z.string().optional(),
  EventPattern: z.record(z.string(), z.unknown()).optional(),
  Targets: z
    .array(
      z.strictObject({
        Arn: z.string(),
        Id: z.string(),
        RetryPolicy: z.unknown().optional(),
        DeadLetterConfig: z.unknown().optional(),
      }),
    )
    .default([]),
});

const tagList = z
  .array(z.object({ Key: z.string(), Value: z.string() }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ Key, Value }) => [Key, Value])));
const tagSpecifications = z
  .array(z.object({ ResourceType: z.string(), Tags: tagList }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ ResourceType, Tags }) => [ResourceType, Tags])));
const launchTemplate = z.object({
  LaunchTemplateName: z.string(),
  TagSpecifications: tagSpecifications,
  LaunchTemplateData: z.object({
    ImageId: z.string(),
    InstanceType: z.string(),
    IamInstanceProfile: z.object({ Arn: z.string() }),
    HibernationOptions: z.object({ Configured: z.boolean() }).optional(),
    MetadataOptions: z.object({ InstanceMetadataTags: z.string().optional() }),
    TagSpecifications: tagSpecifications,
  }),
});
const named = z.looseObject({ LaunchTemplateName: z.string().optional() });
const instanceProfile = z.object({ Roles: z.array(z.string()) });
const subnet = z.object({ AvailabilityZone: z.string() });

const kmsKey = z.object({ KeyPolicy: z.unknown() });
const customResource = z.looseObject({ ServiceToken: z.string() });

/** Lambda's own cap on the batches of one queue that it handles at a time, kept small for one machine. */
const defaultSourceConcurrency = 5;

/** Says what the template runs at that place. Whatever it cannot do is an error that names the resource. */
export const interpret = (template: Template, assets: Assets, place: Place): StackSpec => {
  const scope = scopeOf(template, place);
  const isMade = ({ Condition }: z.infer<typeof resource>) =>
    Condition === undefined || scope.condition(Condition);

  const all = Object.entries(template.Resources)
    .filter(([, one]) => isMade(one))
    // Tags of most do nothing here; those of instances come with the launch.
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
        tags: () => tagList.parse(resolve(Tags, scope)),
        /** Resolved on demand: what is inert may hold functions that nobody has to understand here. */
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

  const policies = ofType('AWS::IAM::Policy').map(({ read }) => read(policy));
  const roles = ofType('AWS::IAM::Role').map(({ logicalId, identity, read }): RoleSpec => {
    const { AssumeRolePolicyDocument, Policies } = read(role);
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
    read(eventInvokeConfig),
  );
  const functions = ofType('AWS::Lambda::Function').map(({ logicalId, identity, read }): FunctionSpec => {
    const found = read(lambda);
    const codeDir = assets.get(found.Code.S3Key);
    const failures = eventInvokeConfigs.find(({ FunctionName }) => FunctionName === identity.ref);
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
      ...(failures && { failuresArn: failures.DestinationConfig.OnFailure.Destination }),
      ...(found.LoggingConfig.LogGroup !== undefined && { logGroup: found.LoggingConfig.LogGroup }),
    };
  });

  const integrations = new Map(
    ofType('AWS::ApiGatewayV2::Integration').map(({ identity, read }) => [identity.ref, read(integration)]),
  );
  const routes = ofType('AWS::ApiGatewayV2::Route').map(({ logicalId, read }): RouteSpec => {
    const { RouteKey, Target } = read(route);
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
      const [name] = read(instanceProfile).Roles;
      const found = roles.find((one) => one.name === name);
      return found ? [[arnOf(identity), found] as const] : [];
    }),
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
      policy: read(kmsKey).KeyPolicy,
    })),
    scheduleGroups: ofType('AWS::Scheduler::ScheduleGroup').map(({ identity }) => identity.ref),
    buckets: buckets.map(({ identity }) => identity.ref),
    customResources: all
      .filter(({ type }) => isCustom(type))
      .map(({ logicalId, type, read }) => {
        const { ServiceToken, ...properties } = read(customResource);
        return { logicalId, type, functionArn: ServiceToken, properties };
      }),
    launchTemplates: ofType('AWS::EC2::LaunchTemplate')
      // One without a name is for operators.
      .filter(({ read }) => read(named).LaunchTemplateName !== undefined)
      .map(({ logicalId, identity, read }) => {
        const { LaunchTemplateName, TagSpecifications, LaunchTemplateData: data } = read(launchTemplate);
        const itsRole = profiles.get(data.IamInstanceProfile.Arn);
        if (!itsRole) throw new Error(`The role of instances of ${logicalId} is not in the template.`);
        return {
          name: LaunchTemplateName,
          arn: `arn:aws:ec2:${place.region}:${place.accountId}:launch-template/${identity.attributes.LaunchTemplateId}`,
          region: place.region,
          tags: TagSpecifications['launch-template'] ?? {},
          tagsOf: data.TagSpecifications,
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
      zone: read(subnet).AvailabilityZone,
      tags: tags(),
    })),
    tables: ofType('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable').map(({ identity, read }) => {
      const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes } = read(table);
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
      .map(({ read }) => read(eventSource))
      .filter(({ Enabled }) => Enabled)
      .map((source) => ({
        queueArn: source.EventSourceArn,
        functionArn: functionByName(functions, source.FunctionName).arn,
        batchSize: source.BatchSize,
        reportsBatchItemFailures: source.FunctionResponseTypes.length > 0,
        maximumConcurrency: source.ScalingConfig?.MaximumConcurrency ?? defaultSourceConcurrency,
      })),
    rules: ofType('AWS::Events::Rule')
      .map(({ identity, read }) => ({ arn: arnOf(identity), ...read(rule) }))
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

/** CloudFront's address is this machine's. */
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

/** An event source mapping names its function by name or by ARN. */
const functionByName = (functions: readonly FunctionSpec[], nameOrArn: string): FunctionSpec => {
  const found = functions.find(({ name, arn }) => name === nameOrArn || arn === nameOrArn);
  if (!found) throw new Error(`The function ${nameOrArn} is not in the template.`);
  return found;
};

/** API Gateway's integrations take a function's ARN, or a path of Lambda's API that holds it. */
const functionArnIn = (uri: string): string => /functions\/(arn:[^/]+)\/invocations$/.exec(uri)?.[1] ?? uri;

/** CreateQueue takes text for all attributes, and a redrive policy as JSON. */
const queueAttributes = (properties: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      isRecord(value) ? JSON.stringify(value) : String(value),
    ]),
  );

const scopeOf = (template: Template, place: Place): Scope & { identity(logicalId: string): Identity } => {
  const pseudo: Readonly<Record<string, unknown>> = {
    'AWS::AccountId': place.accountId,
    'AWS::Region': place.region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': place.stackName,
    'AWS::StackId': `arn:aws:cloudformation:${place.region}:${place.accountId}:stack/${place.stackName}/local`,
    'AWS::NoValue': noValue,
  };
  const identities = new Map<string, Identity>();
  const underway = new Set<string>();

  const identity = (logicalId: string): Identity => {
    const known = identities.get(logicalId);
    if (known) return known;
    const found = template.Resources[logicalId];
    if (!found) throw new Error(`The template has no resource ${logicalId}.`);
    if (underway.has(logicalId)) throw new Error(`The name of ${logicalId} depends on itself.`);
    underway.add(logicalId);
    const property = (name: string) => resolve(found.Properties[name], scope);
    const made = identify(found.Type, logicalId, property, place);
    underway.delete(logicalId);
    identities.set(logicalId, made);
    return made;
  };
  const scope: Scope = {
    ref: (name) => {
      if (name in pseudo) return pseudo[name];
      const parameter = template.Parameters[name];
      return parameter ? parameter.Default : identity(name).ref;
    },
    attribute: (logicalId, name) => {
      const value = identity(logicalId).attributes[name];
      if (value === undefined) {
        const { Type } = template.Resources[logicalId] ?? {};
        throw new Error(
          `The stack on one machine does not know the attribute ${name} of ${Type} ${logicalId}.`,
        );
      }
      return value;
    },
    condition: (name) => {
      if (!(name in template.Conditions)) throw new Error(`The template has no condition ${name}.`);
      return resolve(template.Conditions[name], scope) === true;
    },
  };
  return { ...scope, identity };
};
