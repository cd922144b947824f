/** Runner fleets: what machines of one kind in one region look like, as the context `fleets` in cdk.json says. */
import type { Node } from 'constructs';
import * as z from 'zod';

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-types.html#instance-type-names: "g" after the number is Graviton. */
const graviton = /^(a1|[a-z]+\d+g[a-z]*)\./;

const fleet = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be small letters, digits and "-", and start with a letter'),
    region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region such as eu-central-1'),
    tags: z
      .array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be a tag such as new-york'))
      .default([])
      .describe('Which tasks its runners are meant for; written on the instances'),
    instanceTypes: z
      .array(z.string().regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, 'must be an instance type such as t4g.small'))
      .min(1, 'must name an instance type')
      .describe('The first is what the launch template launches'),
    architecture: z.enum(['arm64', 'x86_64'], 'must be arm64 or x86_64').default('arm64'),
    spot: z
      .boolean('must be true or false')
      .default(false)
      .describe('A persistent request, as another one cannot be stopped and started'),
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
    userDataFile: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A bash script, path from the root of the repository, that runs once after the agent is installed',
      ),
  })
  .superRefine(({ architecture, instanceTypes, vpcId, subnets }, context) => {
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
  });
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

/** `-c fleets='[…]'` comes as text. */
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
 * @throws Error that names each field which is wrong and says what it must be
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
