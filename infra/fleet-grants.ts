/**
 * Permissions of the functions that launch and terminate fleets' instances; none without fleets. Actions and
 * resources follow AWS's Service Authorization Reference for CreateFleet and RunInstances: a fleet of the
 * type `instant` runs instances with the caller's permissions.
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
   * Allows RunInstances only from a launch template of the account; the statement on launch templates limits
   * these to the stack's. The ids are unknown here, because CloudFormation makes them in other regions.
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
      // CreateFleet itself neither makes nor changes these: RunInstances does.
      create([anyOf('volume'), anyOf('image', ''), anyOf('subnet')]),
      run([anyOf('instance'), anyOf('volume'), anyOf('network-interface')], getsTag),
      run([anyOf('security-group')], ofStack),
      // Subnets of the fleet. EC2 rejects those of another VPC than the security group's.
      run([anyOf('subnet')]),
      ...imagesOf(stack, fleets).map(({ arns, owner }) => run(arns, owner && { 'ec2:Owner': owner })),
      // IAM knows no launch template for it (AWS: Service Authorization Reference), and a launch template
      // that also serves on-demand cannot contain its tags.
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
      // Read-only, and EC2 has no resource for it (AWS: Service Authorization Reference, Amazon EC2).
      ...(fleets.some(({ subnets }) => subnets === undefined) ? [allow(['ec2:DescribeSubnets'], ['*'])] : []),
    ],
  };
  const terminate: Grant = {
    statements: [
      // Only instances that a fleet launched, and never one that an operator has bound.
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
    /** For the functions that put runners to sleep. */
    terminateIdle: fleets.some(({ whenIdle }) => whenIdle === 'terminate') ? terminate : nothing,
  };
};

/**
 * Parameters of Amazon Linux. Its images belong to Amazon, which IAM knows by this name (AWS: Example
 * policies, `ec2:Owner`).
 */
const amazonLinux = '/aws/service/ami-amazon-linux-latest/';

/**
 * Images that may be launched, because CreateFleet takes another image than the launch template's. The owner
 * of images in an operator's own parameter is unknown here, so such a fleet may use any.
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

/** ARN of a parameter; Amazon's own parameters belong to no account. */
const parameterArn = (stack: Stack, region: string, name: string): string => {
  const account = name.startsWith('/aws/service/') ? { account: '' } : {};
  return Arn.format(
    { service: 'ssm', region, ...account, resource: 'parameter', resourceName: name.slice(1) },
    stack,
  );
};
