/**
 * What the functions need that launch instances for fleets and terminate them: nothing where there are no fleets. Actions and
 * resources are those of AWS's Service Authorization Reference for CreateFleet and RunInstances, which a fleet of the type
 * `instant` makes of it with the caller's permissions.
 */
import { Arn, type Stack } from 'aws-cdk-lib/core';
import { fleetTag } from './fleet-stack.ts';
import { type FleetSettings, nameInStack, packFleets } from './fleets.ts';
import { allow, type Grant, stackTag } from './grants.ts';
import { imageParameterOf } from './runner-instance.ts';

const nothing: Grant = {};

export const fleetGrants = (stack: Stack, stackName: string, fleets: readonly FleetSettings[]) => {
  if (fleets.length === 0)
    return {
      known: nothing,
      launch: nothing,
      terminateIdle: nothing,
      terminate: nothing,
    };

  const anyOf = (resource: string, account = stack.account) =>
    Arn.format({ service: 'ec2', region: '*', account, resource, resourceName: '*' }, stack);
  const ofStack = { [`aws:ResourceTag/${stackTag}`]: stackName };
  const getsTag = { [`aws:RequestTag/${stackTag}`]: stackName };
  const inRegions = { 'aws:RequestedRegion': [...new Set(fleets.map(({ region }) => region))] };
  const create = (resources: string[], equals = {}) =>
    allow(['ec2:CreateFleet'], resources, { StringEquals: { ...inRegions, ...equals } });
  /**
   * Only from a launch template of the account, and of these the statement on launch templates leaves those of the stack. Which of
   * them it is cannot be said here: CloudFormation makes their ids in other regions.
   */
  const run = (resources: string[], equals = {}) =>
    allow(['ec2:RunInstances'], resources, {
      StringEquals: { ...inRegions, ...equals },
      ArnLike: { 'ec2:LaunchTemplate': anyOf('launch-template') },
    });
  const isSpot = fleets.some(({ spot }) => spot);
  const parameters = fleets.flatMap(({ ami, architecture, region }) => {
    const name = imageParameterOf(ami, architecture);
    return name === undefined ? [] : parameterArn(stack, region, name);
  });
  const roles = fleets.map(({ name }) =>
    Arn.format(
      { service: 'iam', region: '', resource: 'role', resourceName: nameInStack(stackName, name) },
      stack,
    ),
  );

  const launch: Grant = {
    statements: [
      allow(['ec2:CreateFleet', 'ec2:RunInstances'], [anyOf('launch-template')], {
        StringEquals: { ...inRegions, ...ofStack },
      }),
      create([anyOf('fleet'), anyOf('instance')], getsTag),
      // Of these CreateFleet itself makes and changes nothing: RunInstances does.
      create([anyOf('volume'), anyOf('image', ''), anyOf('subnet')]),
      run([anyOf('instance'), anyOf('volume'), anyOf('network-interface')], getsTag),
      run([anyOf('security-group')], ofStack),
      // A fleet's own. EC2 refuses those of another VPC than the security group's.
      run([anyOf('subnet')]),
      ...imagesOf(stack, fleets).map(({ arns, owner }) => run(arns, owner && { 'ec2:Owner': owner })),
      // It knows no launch template (AWS: Service Authorization Reference), and its tags cannot stand in one that serves on-demand as well.
      ...(isSpot
        ? [allow(['ec2:RunInstances'], [anyOf('spot-instances-request')], { StringEquals: inRegions })]
        : []),
      allow(
        ['ec2:CreateTags'],
        ['fleet', 'instance', 'volume', 'network-interface'].map((one) => anyOf(one)),
        { StringEquals: { ...inRegions, 'ec2:CreateAction': ['CreateFleet', 'RunInstances'] } },
      ),
      allow(['iam:PassRole'], roles, { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } }),
      ...(parameters.length > 0 ? [allow(['ssm:GetParameters'], [...new Set(parameters)])] : []),
      // Reads only, and EC2 knows no resource for it (AWS: Service Authorization Reference, Amazon EC2).
      ...(fleets.some(({ subnets }) => subnets === undefined) ? [allow(['ec2:DescribeSubnets'], ['*'])] : []),
    ],
  };
  const terminate: Grant = {
    statements: [
      // What a fleet launched, and never an instance that an operator has bound.
      allow(['ec2:TerminateInstances'], [anyOf('instance')], {
        StringEquals: ofStack,
        Null: { [`aws:ResourceTag/${fleetTag}`]: 'false' },
      }),
    ],
  };
  return {
    known: { environment: { RUNNER_FLEETS: packFleets(stackName, fleets) } },
    launch,
    terminate,
    /** For the functions that put to sleep. */
    terminateIdle: fleets.some(({ whenIdle }) => whenIdle === 'terminate') ? terminate : nothing,
  };
};

/** Where Amazon Linux is: images of Amazon, whose owner IAM knows by this name (AWS: Example policies, `ec2:Owner`). */
const amazonLinux = '/aws/service/ami-amazon-linux-latest/';

/**
 * What may be launched: CreateFleet takes another image than the launch template's. Who owns the images of an operator's own parameter
 * nobody knows here, so with such a fleet it may be any.
 */
const imagesOf = (stack: Stack, fleets: readonly FleetSettings[]): { arns: string[]; owner?: string }[] => {
  const arnOf = (region: string, resourceName: string) =>
    Arn.format({ service: 'ec2', region, account: '', resource: 'image', resourceName }, stack);
  const images = fleets.map(({ ami, architecture, region }) => ({
    ami,
    region,
    parameter: imageParameterOf(ami, architecture),
  }));
  const any = arnOf('*', '*');
  const byId = images.flatMap(({ ami, parameter, region }) =>
    ami !== undefined && parameter === undefined ? arnOf(region, ami) : [],
  );
  const parameters = images.flatMap(({ parameter }) => parameter ?? []);
  if (parameters.some((name) => !name.startsWith(amazonLinux))) return [{ arns: [any] }];
  return [
    ...(byId.length > 0 ? [{ arns: [...new Set(byId)] }] : []),
    ...(parameters.length > 0 ? [{ arns: [any], owner: 'amazon' }] : []),
  ];
};

/** Amazon's own parameters are in no account. */
const parameterArn = (stack: Stack, region: string, name: string): string => {
  const account = name.startsWith('/aws/service/') ? { account: '' } : {};
  return Arn.format(
    { service: 'ssm', region, ...account, resource: 'parameter', resourceName: name.slice(1) },
    stack,
  );
};
