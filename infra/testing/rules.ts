/** Rules for every template: each takes one and returns its violations, in sentences. */
import * as z from 'zod';
import { oneOrMore } from '../../local/iam/policy.ts';
import { type Resource, resourcesOf, type Template } from './template.ts';

export type Rule = (template: Template) => string[];

const statement = z.object({
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMore(z.string()).default([]),
  NotAction: z.unknown().optional(),
  Resource: oneOrMore(z.unknown()).default([]),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});
const policyDocument = z.object({ Statement: oneOrMore(statement) });
type Statement = z.infer<typeof statement>;

/** Returns all policy documents of a resource, at any depth. */
const documentsIn = (value: unknown): z.infer<typeof policyDocument>[] => {
  if (typeof value !== 'object' || value === null) return [];
  const own = policyDocument.safeParse(value);
  return own.success ? [own.data] : Object.values(value).flatMap(documentsIn);
};

/** Returns the Allow statements of policies, with the id of the resource that has the policy. */
export const allowances = (template: Template): [string, Statement][] =>
  Object.entries(template.Resources).flatMap(([id, { Properties }]) =>
    documentsIn(Properties)
      .flatMap(({ Statement }) => Statement)
      .filter(({ Effect }) => Effect === 'Allow')
      .map((allowed): [string, Statement] => [id, allowed]),
  );

/** Resource types that cost money while idle. */
const costly =
  /^AWS::(EC2::NatGateway|EC2::EIP|EC2::VPCEndpoint|ElasticLoadBalancing.*|SecretsManager::.*|ApplicationAutoScaling::.*|EC2::Instance)$/;
const provisioned = ['ProvisionedThroughput', 'ProvisionedConcurrencyConfig', 'ProvisionedPollerConfig'];

const namesIn = (value: unknown): string[] =>
  typeof value === 'object' && value !== null
    ? [...(Array.isArray(value) ? [] : Object.keys(value)), ...Object.values(value).flatMap(namesIn)]
    : [];

export const costsNothingIdle: Rule = (template) =>
  Object.entries(template.Resources).flatMap(([id, { Type, Properties }]) => {
    const names = namesIn(Properties).filter((name) => provisioned.includes(name));
    const vpc = Type === 'AWS::Lambda::Function' && 'VpcConfig' in Properties ? ['VpcConfig'] : [];
    return [...(costly.test(Type) ? [Type] : []), ...names, ...vpc].map((what) => `${id} has ${what}`);
  });

/** Allows one key, which costs 1 USD a month: that of the secrets, listed in docs/using/cost.md. */
export const hasOneKey: Rule = (template) =>
  resourcesOf(template, 'AWS::KMS::Key')
    .slice(1)
    .map(([id]) => `${id} is one key more`);

/**
 * Actions without resources (AWS: Service Authorization Reference). They change nothing, except that they add
 * traces or report the calling instance to Systems Manager.
 */
const knowsNoResources =
  /^(xray:Put(TraceSegments|TelemetryRecords)|ssm:UpdateInstanceInformation|(ssm|ec2)messages:[A-Za-z]+)$/;
const readsOnly = /^[a-z0-9-]+:(Describe|Get|List|BatchGet|Query)[A-Za-z]*$/;

export const mutatesOnlyNamedResources: Rule = (template) =>
  allowances(template).flatMap(([id, { Action, NotAction, Resource }]) => {
    const changing =
      NotAction === undefined
        ? Action.filter((action) => !readsOnly.test(action) && !knowsNoResources.test(action))
        : ['NotAction'];
    // In the policy of a key, "*" is that key (AWS: Key policies in KMS).
    const isOwn = template.Resources[id]?.Type === 'AWS::KMS::Key';
    return Resource.includes('*') && !isOwn
      ? changing.map((action) => `${id} allows ${action} on everything`)
      : [];
  });

const power = /^ec2:(\*|(Start|Stop|Reboot|Terminate)\w*|\w*\*)$/;
const ends = /^ec2:(\*|T\w*\*|Terminate\w*)$/;
const launch = /^ec2:(\*|Run\w*\*?|Create\w*\*|CreateFleet)$/;
/** Actions that launch instances: CreateFleet uses RunInstances. */
const run = /^ec2:(\*|Run\w*\*?)$/;
/** Resources without a launch template in IAM (AWS: Service Authorization Reference, RunInstances). */
const knowsNoTemplate = /:(launch-template|spot-instances-request)\//;

/** Returns true for an ARN of instances; it may contain references. */
const isOfInstances = (resource: unknown): boolean => /:instance\/|^"\*"$/.test(JSON.stringify(resource));
const hasTag = ({ Condition }: Statement, kind: 'ResourceTag' | 'RequestTag', key: string): boolean =>
  Condition.StringEquals?.[`aws:${kind}/${key}`] !== undefined;

const isFromTemplate = ({ Condition }: Statement): boolean =>
  Condition.ArnLike?.['ec2:LaunchTemplate'] !== undefined;

/**
 * Allows power actions only on instances with the stack's tag, and termination only of a fleet's instances.
 */
export const powersOnlyTaggedInstances =
  (stackName: string): Rule =>
  (template) =>
    allowances(template).flatMap(([id, { Action, Condition }]) => {
      const isOwn = Condition.StringEquals?.['aws:ResourceTag/reveille:stack'] === stackName;
      const isOfFleet = Condition.Null?.['aws:ResourceTag/reveille:fleet'] === 'false';
      return Action.filter(
        (action) => power.test(action) && !(isOwn && (isOfFleet || !ends.test(action))),
      ).map((action) => `${id} allows ${action}`);
    });

/** Services that get roles: instances, and schedules that start tasks. */
const takers = ['ec2.amazonaws.com', 'scheduler.amazonaws.com'];

/**
 * Allows launches only with the stack's tag, from launch templates with that tag, in named regions and with
 * named roles.
 */
export const launchesOnlyTaggedInstances: Rule = (template) =>
  allowances(template).flatMap(([id, statement]) => {
    const launches = statement.Action.filter((action) => launch.test(action));
    const text = statement.Resource.map((resource) => JSON.stringify(resource));
    const passes = statement.Action.includes('iam:PassRole');
    return [
      ...(statement.Resource.some(isOfInstances) && !hasTag(statement, 'RequestTag', 'reveille:stack')
        ? launches.map((action) => `${id} allows ${action} of instances without the tag`)
        : []),
      ...(text.some((arn) => arn.includes('launch-template/')) &&
      !hasTag(statement, 'ResourceTag', 'reveille:stack')
        ? launches.map((action) => `${id} allows ${action} from any launch template`)
        : []),
      ...(text.some((arn) => !knowsNoTemplate.test(arn)) && !isFromTemplate(statement)
        ? launches
            .filter((action) => run.test(action))
            .map((action) => `${id} allows ${action} without a launch template`)
        : []),
      ...(statement.Condition.StringEquals?.['aws:RequestedRegion'] === undefined
        ? launches.map((action) => `${id} allows ${action} in any region`)
        : []),
      ...(passes &&
      (text.some((arn) => arn.includes('*')) ||
        !takers.some((taker) => statement.Condition.StringEquals?.['iam:PassedToService'] === taker))
        ? [`${id} passes roles`]
        : []),
    ];
  });

export const letsNothingIn: Rule = (template) => [
  ...resourcesOf(template, 'AWS::EC2::SecurityGroupIngress').map(([id]) => `${id} lets something in`),
  ...resourcesOf(template, 'AWS::EC2::SecurityGroup')
    .filter(([, { Properties }]) => 'SecurityGroupIngress' in Properties)
    .map(([id]) => `${id} lets something in`),
];

const reference = z.union([
  z.object({ Ref: z.string() }).transform(({ Ref }) => Ref),
  z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) }).transform((get) => get['Fn::GetAtt'][0]),
]);
const lambdaFunction = z.object({
  Runtime: z.string(),
  Handler: z.string(),
  Architectures: z.array(z.string()).optional(),
  Role: reference,
  LoggingConfig: z.object({ LogGroup: reference }).optional(),
});

const wrongInFunction = (template: Template, { Properties }: Resource): string[] => {
  const { Runtime, Handler, Architectures, LoggingConfig } = lambdaFunction.parse(Properties);
  const logGroup = template.Resources[LoggingConfig?.LogGroup ?? ''];
  return [
    ...(Runtime === 'nodejs24.x' ? [] : [`runs on ${Runtime}`]),
    ...(Handler === 'index.handler' ? [] : [`has the handler ${Handler}`]),
    ...(Architectures?.join() === 'arm64' ? [] : ['is not arm64']),
    ...(typeof logGroup?.Properties.RetentionInDays === 'number' ? [] : ['keeps its log for ever']),
  ];
};

const shared = (ids: readonly string[]): string[] => ids.filter((id, index) => ids.indexOf(id) !== index);

export const functionsAreAlike: Rule = (template) => {
  const functions = resourcesOf(template, 'AWS::Lambda::Function');
  const parsed = functions.map(([, { Properties }]) => lambdaFunction.parse(Properties));
  return [
    ...functions.flatMap(([id, fn]) => wrongInFunction(template, fn).map((what) => `${id} ${what}`)),
    ...shared(parsed.map(({ Role }) => Role)).map((id) => `Functions share the role ${id}`),
    ...shared(parsed.flatMap(({ LoggingConfig }) => LoggingConfig?.LogGroup ?? [])).map(
      (id) => `Functions share the log group ${id}`,
    ),
  ];
};

const launchTemplate = z.object({
  LaunchTemplateData: z.object({
    MetadataOptions: z.object({ HttpTokens: z.string(), HttpPutResponseHopLimit: z.number() }).optional(),
    BlockDeviceMappings: z
      .array(z.object({ Ebs: z.object({ Encrypted: z.boolean().optional() }) }))
      .default([]),
  }),
});

export const instancesAreGuarded: Rule = (template) =>
  resourcesOf(template, 'AWS::EC2::LaunchTemplate').flatMap(([id, { Properties }]) => {
    const { MetadataOptions, BlockDeviceMappings } = launchTemplate.parse(Properties).LaunchTemplateData;
    const guarded =
      MetadataOptions?.HttpTokens === 'required' && MetadataOptions.HttpPutResponseHopLimit === 1;
    const encrypted = BlockDeviceMappings.length > 0 && BlockDeviceMappings.every(({ Ebs }) => Ebs.Encrypted);
    return [
      ...(guarded ? [] : [`${id} gives its credentials to whoever asks`]),
      ...(encrypted ? [] : [`${id} has a volume in the clear`]),
    ];
  });

const trustsEc2 = (Properties: unknown): boolean =>
  JSON.stringify(Properties).includes('"Service":"ec2.amazonaws.com"');

const reachedOnly = /^(s3:GetObject|ssm:UpdateInstanceInformation|(ssm|ec2)messages:[A-Za-z]+)$/;

/**
 * Limits an instance's role, which every program on it can use: it reads the agent's file and admits
 * operators.
 */
export const instancesMayDoLittle: Rule = (template) => {
  const roles = resourcesOf(template, 'AWS::IAM::Role').filter(([, { Properties }]) => trustsEc2(Properties));
  const ids = roles.map(([id]) => id);
  const policies = resourcesOf(template, 'AWS::IAM::Policy').filter(([, { Properties }]) =>
    z
      .array(reference)
      .parse(Properties.Roles ?? [])
      .some((role) => ids.includes(role)),
  );
  const allowed = [...roles, ...policies].flatMap(([id, { Properties }]) =>
    documentsIn(Properties)
      .flatMap(({ Statement }) => Statement)
      .flatMap(({ Action }) => Action)
      .filter((action) => !action.startsWith('sts:AssumeRole'))
      .map((action) => ({ id, action })),
  );
  return [
    ...roles
      .filter(([, { Properties }]) => 'ManagedPolicyArns' in Properties)
      .map(([id]) => `${id} has what AWS puts into a policy of its own`),
    ...allowed
      .filter(({ action }) => !reachedOnly.test(action))
      .map(({ id, action }) => `${id} allows ${action}`),
  ];
};

/** Variables that Lambda's runtime reads itself. */
const runtimeVariables = ['NODE_OPTIONS'];

/** Allows only documented variables. `documented` are the names in docs/contributing/architecture.md. */
export const variablesAreDocumented =
  (documented: readonly string[]): Rule =>
  (template) =>
    resourcesOf(template, 'AWS::Lambda::Function').flatMap(([id, { Properties }]) => {
      const { Environment } = z
        .object({ Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }) })
        .parse(Properties);
      return Object.keys(Environment.Variables)
        .filter((name) => !documented.includes(name) && !runtimeVariables.includes(name))
        .map((name) => `${id} has ${name}`);
    });
