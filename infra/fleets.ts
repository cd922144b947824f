/** Runner fleets: machines of one kind in one region, from the context `fleets` in cdk.json. */
import { deflateRawSync } from 'node:zlib';
import type { Node } from 'constructs';
import * as z from 'zod';

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/**
 * Graviton types have a "g" after the number:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-types.html#instance-type-names
 */
const graviton = /^(a1|[a-z]+\d+g[a-z]*)\./;

const isTimeZone = (name: string): boolean => {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
};

const seconds = z
  .int('must be whole seconds')
  .min(0, 'must be at least 0')
  .max(86_400, 'must be at most 86400, which is a day');

const idleWindow = z
  .strictObject({
    days: z
      .array(z.enum(weekdays, `must be one of ${weekdays.join(', ')}`))
      .min(1, 'must name a day')
      .describe('The days on which it begins'),
    from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 08:00'),
    to: z.string().regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a time such as 18:00, or 24:00'),
    timeZone: z.string().refine(isTimeZone, 'must be a time zone such as Europe/Berlin'),
    idleTimeoutSeconds: seconds,
  })
  .refine(({ from, to }) => from !== to, { path: ['to'], error: 'must not be the same as "from"' });

/**
 * Maximum custom tags. A resource may have 50, of which Reveille uses six:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
 */
const mostTags = 40;
const longestTagValue = 256;
/**
 * Form of a tag's key. Instances read their tags from their metadata, which allows neither "/" nor a space in
 * a key (AWS: Instance metadata tags).
 */
const tagKey = /^(?!\.{1,2}$)[A-Za-z0-9+\-=.,_:@]{1,128}$/;
const isTaken = /^(aws:|reveille:|name$)/i;

const fleet = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be small letters, digits and "-", and start with a letter'),
    region: z.string().regex(/^[a-z]{2,4}(-[a-z]+)+-\d$/, 'must be a region such as eu-central-1'),
    tags: z
      .array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be a tag such as new-york'))
      .max(16, 'must be at most 16')
      .default([])
      .describe('What its runners have in projects, unless others are given; written on the instances'),
    instanceTags: z
      .record(z.string(), z.string().max(longestTagValue, `must be at most ${longestTagValue} characters`))
      .superRefine((tags, context) => {
        const keys = Object.keys(tags);
        if (keys.length > mostTags) context.addIssue(`must be at most ${mostTags}`);
        for (const key of keys) {
          const message = tagKey.test(key)
            ? isTaken.test(key) && 'must not be Name and not begin with aws: or reveille:, which are taken'
            : 'must be named by letters, digits and + - = . , _ : @, at most 128';
          if (message) context.addIssue({ code: 'custom', path: [key], message });
        }
      })
      .default({})
      .describe(
        'Of your own, on instances, volumes and network interfaces: for your bill, or a policy that asks for them',
      ),
    instanceTypes: z
      .array(z.string().regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'must be an instance type such as t4g.small'))
      .min(1, 'must name an instance type')
      .max(20, 'must be at most 20')
      .describe('The first is preferred; with spot, whichever has the most capacity for the least money'),
    architecture: z.enum(['arm64', 'x86_64'], 'must be arm64 or x86_64').default('arm64'),
    spot: z
      .boolean('must be true or false')
      .default(false)
      .describe('On-demand only where there is no spot capacity'),
    maxInstances: z
      .int('must be a whole number')
      .min(1, 'must be at least 1')
      .max(500, 'must be at most 500')
      .default(3)
      .describe('How many runners it may have, each of which has one instance at most'),
    whenIdle: z
      .enum(['stop', 'hibernate', 'terminate'], 'must be stop, hibernate or terminate')
      .optional()
      .describe('What becomes of an instance without work; without it: terminate with spot, else stop'),
    idleTimeoutSeconds: seconds
      .optional()
      .describe('Of its runners, unless another is given; without it they have the default of runners'),
    schedule: z
      .array(idleWindow, 'must be a list')
      .max(20, 'must have at most 20 windows')
      .default([])
      .describe('Windows of the week in which the idle timeout is another'),
    ami: z
      .string()
      .regex(/^(ami-[0-9a-f]{8,17}|\/[\w./-]+)$/, 'must be ami-… or the name of an SSM parameter, /…')
      .optional()
      .describe('Without it, the newest Amazon Linux 2023 at each launch'),
    volumeGiB: z
      .int('must be a whole number')
      .min(8, 'must be at least 8')
      .max(16_384, 'must be at most 16384')
      .default(10),
    vpcId: z
      .string()
      .regex(/^vpc-[0-9a-f]{8,17}$/, 'must be the id of a VPC')
      .optional(),
    subnets: z
      .array(z.string().regex(/^subnet-[0-9a-f]{8,17}$/, 'must be the id of a subnet'))
      .min(1, 'must name a subnet')
      .optional()
      .describe('Of the VPC `vpcId`; without both, of a small VPC that is made'),
    tasksUseInstanceRole: z
      .boolean('must be true or false')
      .default(false)
      .describe("Lets tasks get the credentials of the instances' role from the metadata service"),
    userDataFile: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A bash script, path from the root of the repository, that runs once after the agent is installed',
      ),
  })
  .superRefine(({ architecture, instanceTypes, tags, vpcId, subnets, spot, whenIdle }, context) => {
    const { length } = tags.join(' ');
    if (length > longestTagValue) {
      context.addIssue({
        code: 'custom',
        path: ['tags'],
        message: `must be at most ${longestTagValue} characters together, as an instance has them in one tag; they are ${length}`,
      });
    }
    if (spot && whenIdle !== undefined && whenIdle !== 'terminate') {
      context.addIssue({
        code: 'custom',
        path: ['whenIdle'],
        message: 'must be terminate with spot: EC2 can neither stop nor hibernate a spot instance of a fleet',
      });
    }
    for (const [index, type] of instanceTypes.entries()) {
      if (graviton.test(type) === (architecture === 'arm64')) continue;
      context.addIssue({
        code: 'custom',
        path: ['instanceTypes', index],
        message: `must be an ${architecture} type, which ${type} is not`,
      });
    }
    if ((vpcId === undefined) !== (subnets === undefined)) {
      context.addIssue({
        code: 'custom',
        path: [vpcId === undefined ? 'vpcId' : 'subnets'],
        message: 'must be given, as the other of vpcId and subnets is',
      });
    }
  })
  .transform((given) => ({ ...given, whenIdle: given.whenIdle ?? (given.spot ? 'terminate' : 'stop') }));
export type FleetSettings = z.infer<typeof fleet>;

const fleets = z
  .array(fleet, 'must be a list')
  .default([])
  .superRefine((all, context) => {
    for (const [index, { name }] of all.entries()) {
      if (all.findIndex((one) => one.name === name) < index) {
        context.addIssue({
          code: 'custom',
          path: [index, 'name'],
          message: `must be unique; ${name} is not`,
        });
      }
    }
  });

/**
 * Name of a fleet's launch template and of its instances' role: both are known in every region without a
 * lookup. `stackName` is that of the control plane.
 */
export const nameInStack = (stackName: string, fleetName: string): string => `${stackName}-${fleetName}`;

/** Maximum length of the packed fleets. A function's environment has 4 KB in all (AWS: Lambda quotas). */
const longestPacked = 2400;

/**
 * Packs the fleets for the control plane: JSON, deflated, in base64.
 *
 * @throws Error when the result is longer than the functions' environment allows
 */
export const packFleets = (stackName: string, all: readonly FleetSettings[]): string => {
  const fleetsOf = all.map(
    ({
      name,
      region,
      tags,
      instanceTypes,
      spot,
      maxInstances,
      whenIdle,
      idleTimeoutSeconds,
      schedule,
      subnets,
      instanceTags,
    }) => ({
      name,
      region,
      tags: tags.length > 0 ? tags : undefined,
      instanceTypes,
      spot: spot || undefined,
      whenIdle: whenIdle === 'stop' ? undefined : whenIdle,
      maxInstances,
      idleTimeoutMs: idleTimeoutSeconds === undefined ? undefined : idleTimeoutSeconds * 1000,
      ...(schedule.length > 0 && {
        schedule: schedule.map(({ idleTimeoutSeconds: idleSeconds, ...window }) => ({
          ...window,
          idleTimeoutMs: idleSeconds * 1000,
        })),
      }),
      subnets,
      instanceTags: Object.keys(instanceTags).length > 0 ? instanceTags : undefined,
    }),
  );
  const text = JSON.stringify({ stack: stackName, fleets: fleetsOf });
  const packed = deflateRawSync(text, { level: 9 }).toString('base64');
  if (packed.length <= longestPacked) return packed;
  throw new Error(
    `The ${all.length} fleets in cdk.json are too many for the functions' environment: they take ${packed.length} characters of ` +
      `${longestPacked}. Give them fewer instance types, subnets, windows or tags, or a part of them another stack (stackName, prefix).`,
  );
};

/** Parses `-c fleets='[…]'`, which arrives as text. */
const parseIfText = (value: unknown): unknown => {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
};

/** `fleets[1].region` */
const nameOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (name, part) => (typeof part === 'number' ? `${name}[${part}]` : `${name}.${String(part)}`),
    'fleets',
  );

/**
 * Reads the fleets from CDK's context.
 *
 * @throws Error that names each wrong field and its required form
 */
export const readFleets = (node: Node): FleetSettings[] => {
  const result = fleets.safeParse(parseIfText(node.tryGetContext('fleets')));
  if (result.success) return result.data;
  const wrong = result.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `"${nameOf(issue.path)}" has fields that no fleet has: ${issue.keys.join(', ')}`
      : `"${nameOf(issue.path)}" ${issue.message}`,
  );
  throw new Error(`Correct the fleets in cdk.json: ${wrong.join('; ')}`);
};
