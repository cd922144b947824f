/**
 * Permissions that each AWS call needs: actions, resources and condition keys. One table per service, from
 * AWS's Service Authorization Reference. A call that is not in it is rejected by name.
 */
import * as z from 'zod';
import { type AwsCall, AwsError } from '../aws/call.ts';
import { instanceIdPattern } from '../aws/ec2/api.ts';
import { parseForm, textsOf } from '../aws/ec2/form.ts';
import { anImage, readLaunchRequest, unknownTemplate } from '../aws/ec2/launch-request.ts';
import { functionArnOf } from '../aws/lambda.ts';
import { scheduleIn } from '../aws/scheduler/api.ts';
import { jsonText } from '../json.ts';
import type { LaunchTemplateSpec } from '../template/stack-spec.ts';

export interface Need {
  /** `dynamodb:GetItem` */
  readonly action: string;
  /** An ARN, or `*` for an action without resource types. */
  readonly resource: string;
  readonly context?: Readonly<Record<string, string | string[]>>;
}

/** Facts of the stand-ins that a call does not contain. */
export interface Facts {
  readonly accountId: string;
  /** Tags of an instance; undefined for an unknown id. */
  readonly tagsOf: (instanceId: string) => Readonly<Record<string, string>> | undefined;
  /** Launch template of that name and region. */
  readonly launchTemplateOf?: (name: string, region: string) => LaunchTemplateSpec | undefined;
}

type NeedsOf = (call: AwsCall, facts: Facts) => readonly Need[];

const read = <T extends z.ZodType>(schema: T, { body, service, operation }: AwsCall): z.infer<T> => {
  const text = body.toString();
  const parsed = jsonText(schema).safeParse(text === '' ? '{}' : text);
  if (parsed.success) return parsed.data;
  throw new AwsError('ValidationException', `${service}:${operation}: ${z.prettifyError(parsed.error)}`);
};

/** ARN of a table that a call gives by name or by ARN. */
const tableArn = (name: string, { region }: AwsCall, { accountId }: Facts): string =>
  name.startsWith('arn:') ? name : `arn:aws:dynamodb:${region}:${accountId}:table/${name}`;

const oneTable = z.object({ TableName: z.string(), IndexName: z.string().optional() });
const manyTables = z.object({ RequestItems: z.record(z.string(), z.unknown()) });

const onTable: NeedsOf = (call, facts) => {
  const { TableName, IndexName } = read(oneTable, call);
  const table = tableArn(TableName, call, facts);
  const resource = IndexName === undefined ? table : `${table}/index/${IndexName}`;
  return [{ action: `dynamodb:${call.operation}`, resource }];
};

const onTables: NeedsOf = (call, facts) =>
  Object.keys(read(manyTables, call).RequestItems).map((name) => ({
    action: `dynamodb:${call.operation}`,
    resource: tableArn(name, call, facts),
  }));

const transaction = z.object({ TransactItems: z.array(z.record(z.string(), oneTable)) });
/** The permission of each part; the call has none of its own (AWS: IAM and transactions). */
const partActions: Readonly<Record<string, string>> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
};
const inTransaction: NeedsOf = (call, facts) =>
  read(transaction, call)
    .TransactItems.flatMap(Object.entries)
    .map(([part, { TableName }]) => ({
      action: `dynamodb:${partActions[part] ?? part}`,
      resource: tableArn(TableName, call, facts),
    }));

const aQueue = z.object({ QueueUrl: z.string() });

/** `https://sqs.{region}.amazonaws.com/{account}/{name}` */
const queueArn = (url: string, { region }: AwsCall): string => {
  const [account, name] = url.split('/').slice(-2);
  return `arn:aws:sqs:${region}:${account}:${name}`;
};

/** Needs of a queue call. A batch call has no permission of its own. */
const onQueue =
  (action?: string): NeedsOf =>
  (call) => [
    { action: `sqs:${action ?? call.operation}`, resource: queueArn(read(aQueue, call).QueueUrl, call) },
  ];

const aQueueName = z.object({ QueueName: z.string() });
const arnByName = (call: AwsCall, { accountId }: Facts): string =>
  `arn:aws:sqs:${call.region}:${accountId}:${read(aQueueName, call).QueueName}`;
const byName: NeedsOf = (call, facts) => [
  { action: `sqs:${call.operation}`, resource: arnByName(call, facts) },
];

const newQueue = z.looseObject({ tags: z.record(z.string(), z.string()).default({}) });
/** Needs of CreateQueue. A call with tags also needs the permission to tag (AWS: CreateQueue, tags). */
const onNewQueue: NeedsOf = (call, facts) => {
  const { tags } = read(newQueue, call);
  const isTagged = Object.keys(tags).length > 0;
  const actions = ['sqs:CreateQueue', ...(isTagged ? ['sqs:TagQueue'] : [])];
  return actions.map((action) => ({ action, resource: arnByName(call, facts) }));
};

const tagContext = (kind: 'ResourceTag' | 'RequestTag', tags: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:${kind}/${key}`, value]));

/**
 * Needs of calls on instances. A terminated instance has no tags, so a condition on a tag denies the call:
 * EC2 answers `UnauthorizedOperation`.
 */
const onInstances: NeedsOf = (call, { accountId, tagsOf }) =>
  textsOf(parseForm(call.body.toString()), 'InstanceId')
    .filter((id) => instanceIdPattern.test(id))
    .map((id) => ({
      action: `ec2:${call.operation}`,
      resource: `arn:aws:ec2:${call.region}:${accountId}:instance/${id}`,
      context: tagContext('ResourceTag', tagsOf(id) ?? {}),
    }));

/** Owner of an image, as in IAM's `ec2:Owner`: Amazon for Amazon Linux, otherwise the account. */
const ownerOf = (parameter: string | undefined, accountId: string): string =>
  parameter?.startsWith('/aws/service/ami-amazon-') ? 'amazon' : accountId;

/**
 * Needs of CreateFleet. An `instant` fleet runs instances with the caller's permissions. It needs those of
 * RunInstances, to tag the new resources, to pass the role and to read the image's parameter. Without an
 * existing template there is nothing to check, and the call fails.
 */
const onLaunch: NeedsOf = (call, { accountId, launchTemplateOf }) => {
  const request = readLaunchRequest(parseForm(call.body.toString()));
  const template = launchTemplateOf?.(request.launchTemplate, call.region);
  if (!template) throw unknownTemplate(request.launchTemplate);
  const arn = (resource: string, account = accountId) => `arn:aws:ec2:${call.region}:${account}:${resource}`;
  const region = { 'aws:RequestedRegion': call.region };
  const [, parameter] = /^resolve:ssm:(\/.+)$/.exec(template.imageId) ?? [];
  const owner = { 'ec2:Owner': ownerOf(parameter, accountId) };
  const image = arn(`image/${parameter === undefined ? template.imageId : anImage}`, '');
  const subnets = [...new Set(request.overrides.map(({ subnetId }) => arn(`subnet/${subnetId}`)))];

  const create = (resource: string, context = {}): Need => ({
    action: 'ec2:CreateFleet',
    resource,
    context: { ...region, ...context },
  });
  const run = (resource: string, context = {}): Need => ({
    action: 'ec2:RunInstances',
    resource,
    context: { ...region, 'ec2:LaunchTemplate': template.arn, ...context },
  });
  const tag = (CreateAction: string, resource: string, context = {}): Need => ({
    action: 'ec2:CreateTags',
    resource,
    context: { ...region, 'ec2:CreateAction': CreateAction, ...context },
  });
  const requested = (type: string) => tagContext('RequestTag', request.tagsOf[type] ?? {});
  const made = [
    { type: 'instance', id: 'i-new' },
    { type: 'volume', id: 'vol-new' },
    { type: 'network-interface', id: 'eni-new' },
  ].flatMap(({ type, id }): Need[] => {
    const resource = arn(`${type}/${id}`);
    const tags = tagContext('RequestTag', { ...template.tagsOf[type], ...request.tagsOf[type] });
    return [run(resource, tags), tag('RunInstances', resource, tags)];
  });
  return [
    create(template.arn, tagContext('ResourceTag', template.tags)),
    create(arn('fleet/fleet-new'), requested('fleet')),
    tag('CreateFleet', arn('fleet/fleet-new'), requested('fleet')),
    create(arn('instance/i-new'), requested('instance')),
    create(arn('volume/vol-new'), requested('volume')),
    create(image, owner),
    ...subnets.map((subnet) => create(subnet)),
    run(template.arn, tagContext('ResourceTag', template.tags)),
    ...made,
    run(image, owner),
    ...subnets.map((subnet) => run(subnet)),
    run(arn('security-group/sg-0123456789abcdef0'), tagContext('ResourceTag', template.securityGroupTags)),
    ...(request.market === 'spot'
      ? [
          {
            action: 'ec2:RunInstances',
            resource: arn('spot-instances-request/sir-new'),
            context: region,
          },
        ]
      : []),
    {
      action: 'iam:PassRole',
      resource: template.role.arn,
      context: { 'iam:PassedToService': 'ec2.amazonaws.com' },
    },
    ...(parameter === undefined
      ? []
      : [
          {
            action: 'ssm:GetParameters',
            resource: `arn:aws:ssm:${call.region}:${parameter.startsWith('/aws/service/') ? '' : accountId}:parameter${parameter}`,
          },
        ]),
  ];
};

const onEverything: NeedsOf = ({ service, operation }) => [
  { action: `${service}:${operation}`, resource: '*' },
];

const onRole: NeedsOf = ({ body }) => [
  { action: 'sts:AssumeRole', resource: new URLSearchParams(body.toString()).get('RoleArn') ?? '*' },
];

/** Needs of an object call. A bucket's ARN names neither account nor region. Paths are `/bucket/key`. */
const onObject: NeedsOf = ({ path, operation }) => [
  { action: `s3:${operation}`, resource: `arn:aws:s3:::${(path.split('?')[0] ?? '').slice(1)}` },
];
const onBucket: NeedsOf = ({ path }) => [
  { action: 's3:ListBucket', resource: `arn:aws:s3:::${/^\/([^/?]+)/.exec(path)?.[1] ?? ''}` },
];

const withContext = z.looseObject({
  KeyId: z.string(),
  EncryptionContext: z.record(z.string(), z.string()).default({}),
});
/** Needs of a KMS call. The caller names the key also for Decrypt, so the ciphertext is not parsed here. */
const onKmsKey: NeedsOf = (call) => {
  const { KeyId, EncryptionContext } = read(withContext, call);
  const pairs = Object.entries(EncryptionContext);
  return [
    {
      action: `kms:${call.operation}`,
      resource: KeyId,
      context: {
        'kms:EncryptionContextKeys': pairs.map(([name]) => name),
        ...Object.fromEntries(pairs.map(([name, value]) => [`kms:EncryptionContext:${name}`, value])),
      },
    },
  ];
};

const withRole = z.looseObject({ Target: z.looseObject({ RoleArn: z.string() }) });

const onSchedule: NeedsOf = ({ operation, region, path, body }, { accountId }) => {
  const { group, name } = scheduleIn(path, body);
  return [
    {
      action: `scheduler:${operation}`,
      resource: `arn:aws:scheduler:${region}:${accountId}:schedule/${group}/${name}`,
    },
  ];
};
/** Needs of a schedule with a role: the caller must be allowed to pass the role (AWS: iam:PassRole). */
const onScheduleWithRole: NeedsOf = (call, facts) => [
  ...onSchedule(call, facts),
  {
    action: 'iam:PassRole',
    resource: read(withRole, call).Target.RoleArn,
    context: { 'iam:PassedToService': 'scheduler.amazonaws.com' },
  },
];

const onFunction: NeedsOf = ({ path }) => [
  { action: 'lambda:InvokeFunction', resource: functionArnOf(path) },
];

const nothing: NeedsOf = () => [];

/** Needs by the service's name in the credential scope and by operation. */
const needs: Readonly<Record<string, Readonly<Record<string, NeedsOf>>>> = {
  dynamodb: {
    GetItem: onTable,
    PutItem: onTable,
    UpdateItem: onTable,
    DeleteItem: onTable,
    Query: onTable,
    Scan: onTable,
    DescribeTable: onTable,
    BatchGetItem: onTables,
    TransactWriteItems: inTransaction,
    BatchWriteItem: onTables,
  },
  sqs: {
    CreateQueue: onNewQueue,
    DeleteQueue: onQueue(),
    GetQueueUrl: byName,
    GetQueueAttributes: onQueue(),
    SendMessage: onQueue(),
    SendMessageBatch: onQueue('SendMessage'),
    ReceiveMessage: onQueue(),
    DeleteMessage: onQueue(),
    DeleteMessageBatch: onQueue('DeleteMessage'),
    ChangeMessageVisibility: onQueue(),
    ChangeMessageVisibilityBatch: onQueue('ChangeMessageVisibility'),
  },
  ec2: {
    StartInstances: onInstances,
    StopInstances: onInstances,
    TerminateInstances: onInstances,
    CreateFleet: onLaunch,
    DescribeInstances: onEverything,
    DescribeSubnets: onEverything,
    DescribeInstanceStatus: onEverything,
  },
  lambda: { Invoke: onFunction },
  pricing: { GetProducts: onEverything },
  kms: { GenerateDataKey: onKmsKey, Decrypt: onKmsKey },
  s3: { PutObject: onObject, GetObject: onObject, DeleteObject: onObject, ListObjectsV2: onBucket },
  scheduler: {
    CreateSchedule: onScheduleWithRole,
    UpdateSchedule: onScheduleWithRole,
    DeleteSchedule: onSchedule,
    GetSchedule: onSchedule,
  },
  sts: {
    AssumeRole: onRole,
    // AWS never denies it (AWS: GetCallerIdentity).
    GetCallerIdentity: nothing,
  },
};

/** Returns the needs of a call; throws when the table above lacks it. */
export const needsOf = (call: AwsCall, facts: Facts): readonly Need[] => {
  const find = needs[call.service]?.[call.operation];
  if (find) return find(call, facts);
  throw new AwsError(
    'NotImplemented',
    `The stack on one machine does not know which permission ${call.service}:${call.operation} needs. ` +
      'Teach it in local/iam/needs.ts.',
    501,
  );
};
