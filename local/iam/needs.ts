/**
 * What each AWS call needs to be allowed: actions, on which resources, with what for the condition keys. A table for each
 * service, from AWS's Service Authorization Reference; a call that it lacks is refused by name.
 */
import * as z from 'zod';
import { type AwsCall, AwsError } from '../aws-call.ts';
import { parseForm, textsOf } from '../ec2/form.ts';
import { readLaunchRequest } from '../ec2/launch-request.ts';
import { functionArnOf } from '../lambda.ts';
import { scheduleIn } from '../scheduler/api.ts';
import type { LaunchTemplateSpec } from '../stack-spec.ts';

export interface Need {
  /** `dynamodb:GetItem` */
  readonly action: string;
  /** An ARN, or `*` for an action that knows no resources. */
  readonly resource: string;
  readonly context?: Readonly<Record<string, string | string[]>>;
}

/** What the stand-ins know beyond the call. */
export interface Facts {
  readonly accountId: string;
  /** Of an instance; undefined when there is none of this id. */
  readonly tagsOf: (instanceId: string) => Readonly<Record<string, string>> | undefined;
  /** Of that name and region. */
  readonly launchTemplateOf?: (name: string, region: string) => LaunchTemplateSpec | undefined;
}

type NeedsOf = (call: AwsCall, facts: Facts) => readonly Need[];

const read = <T extends z.ZodType>(schema: T, { body, service, operation }: AwsCall): z.infer<T> => {
  const text = body.toString();
  const parsed = schema.safeParse(text === '' ? {} : JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new AwsError('ValidationException', `${service}:${operation}: ${z.prettifyError(parsed.error)}`);
};

/** A table is named, or given as an ARN. */
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

const aQueue = z.object({ QueueUrl: z.string() });

/** `https://sqs.{region}.amazonaws.com/{account}/{name}` */
const queueArn = (url: string, { region }: AwsCall): string => {
  const [account, name] = url.split('/').slice(-2);
  return `arn:aws:sqs:${region}:${account}:${name}`;
};

/** The batch calls have no permission of their own. */
const onQueue =
  (action?: string): NeedsOf =>
  (call) => [
    { action: `sqs:${action ?? call.operation}`, resource: queueArn(read(aQueue, call).QueueUrl, call) },
  ];

const aQueueName = z.object({ QueueName: z.string() });
const byName: NeedsOf = (call, { accountId }) => [
  {
    action: `sqs:${call.operation}`,
    resource: `arn:aws:sqs:${call.region}:${accountId}:${read(aQueueName, call).QueueName}`,
  },
];

const tagContext = (kind: 'ResourceTag' | 'RequestTag', tags: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:${kind}/${key}`, value]));

/** EC2 looks the instances up first: what doesn't exist is answered as such, and not as forbidden. */
const onInstances: NeedsOf = (call, { accountId, tagsOf }) =>
  textsOf(parseForm(call.body.toString()), 'InstanceId').flatMap((id) => {
    const tags = tagsOf(id);
    if (!tags) return [];
    return {
      action: `ec2:${call.operation}`,
      resource: `arn:aws:ec2:${call.region}:${accountId}:instance/${id}`,
      context: tagContext('ResourceTag', tags),
    };
  });

/**
 * A fleet of the type `instant` runs instances with the caller's permissions, so it needs those of RunInstances as well, the right to
 * tag what is made, to hand on the role, and to read the image's parameter. What doesn't exist is answered as such.
 */
const onLaunch: NeedsOf = (call, { accountId, launchTemplateOf }) => {
  const request = readLaunchRequest(parseForm(call.body.toString()));
  const template = launchTemplateOf?.(request.launchTemplate, call.region);
  if (!template) return [];
  const arn = (resource: string, account = accountId) => `arn:aws:ec2:${call.region}:${account}:${resource}`;
  const tagsFor = (type: string) => ({ ...template.tagsOf[type], ...request.tagsOf[type] });
  const made = [
    { type: 'fleet', id: 'fleet-new', by: ['CreateFleet'] },
    { type: 'instance', id: 'i-new', by: ['CreateFleet', 'RunInstances'] },
    { type: 'volume', id: 'vol-new', by: ['CreateFleet', 'RunInstances'] },
    { type: 'network-interface', id: 'eni-new', by: ['RunInstances'] },
  ];
  const ofMade = made.flatMap(({ type, id, by }): Need[] => {
    const resource = arn(`${type}/${id}`);
    const tags = tagContext('RequestTag', tagsFor(type));
    const [CreateAction = ''] = by.slice(-1);
    return [
      ...by.map((action) => ({ action: `ec2:${action}`, resource, context: tags })),
      { action: 'ec2:CreateTags', resource, context: { ...tags, 'ec2:CreateAction': CreateAction } },
    ];
  });
  const used = (resource: string, ...by: string[]): Need[] =>
    by.map((action) => ({ action: `ec2:${action}`, resource }));
  const both = ['CreateFleet', 'RunInstances'];
  const [, parameter] = /^resolve:ssm:(\/.+)$/.exec(template.imageId) ?? [];
  return [
    ...ofMade,
    ...both.map((action) => ({
      action: `ec2:${action}`,
      resource: template.arn,
      context: tagContext('ResourceTag', template.tags),
    })),
    ...used(arn('image/ami-0123456789abcdef0', ''), ...both),
    ...[...new Set(request.overrides.map(({ subnetId }) => subnetId))].flatMap((id) =>
      used(arn(`subnet/${id}`), ...both),
    ),
    ...used(arn('security-group/sg-0123456789abcdef0'), 'RunInstances'),
    ...(request.market === 'spot' ? used(arn('spot-instances-request/sir-new'), 'RunInstances') : []),
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

/** Buckets are of all accounts and regions: their ARNs name neither. Paths are `/bucket/key`. */
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
/** The caller names the key, also for Decrypt: so nobody has to look into the ciphertext. */
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
/** Who names the role that is to be taken on must be allowed to pass it on (AWS: iam:PassRole). */
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

/** By the service's name in the credential scope and the operation. */
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
    BatchWriteItem: onTables,
  },
  sqs: {
    CreateQueue: byName,
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
    // Nobody can be kept from it (AWS: GetCallerIdentity).
    GetCallerIdentity: nothing,
  },
};

/** Throws when the table above has no such call. */
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
