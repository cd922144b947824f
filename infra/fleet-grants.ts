/**
 * What the functions need that launch instances for fleets and terminate them: nothing where there are no fleets. Actions and
 * resources are those of AWS's Service Authorization Reference for CreateFleet and RunInstances, which a fleet of the type
 * `instant` makes of it with the caller's permissions.
 */
import { Arn, type Stack } from 'aws-cdk-lib/core';
import { costTags } from './fleet-stack.ts';
import { type FleetSettings, nameInStack, packFleets } from './fleets.ts';
import { allow, type Grant, managedTag } from './grants.ts';
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
  const ofStack = { [`aws:ResourceTag/${costTags.stack}`]: stackName };
  const tagged = { StringEquals: { [`aws:RequestTag/${costTags.stack}`]: stackName } };
  const both = ['ec2:CreateFleet', 'ec2:RunInstances'];
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
      allow(both, [anyOf('launch-template')], { StringEquals: ofStack }),
      allow(both, [anyOf('instance'), anyOf('volume')], tagged),
      allow(['ec2:CreateFleet'], [anyOf('fleet')], tagged),
      allow(['ec2:RunInstances'], [anyOf('network-interface')], tagged),
      // What is there already, and others may use as well.
      allow(both, [anyOf('image', ''), anyOf('subnet')]),
      allow(['ec2:RunInstances'], [anyOf('security-group')]),
      // Its tags cannot stand in a launch template that serves on-demand as well.
      ...(isSpot ? [allow(['ec2:RunInstances'], [anyOf('spot-instances-request')])] : []),
      allow(
        ['ec2:CreateTags'],
        ['fleet', 'instance', 'volume', 'network-interface'].map((one) => anyOf(one)),
        {
          StringEquals: { 'ec2:CreateAction': ['CreateFleet', 'RunInstances'] },
        },
      ),
      allow(['iam:PassRole'], roles, { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } }),
      ...(parameters.length > 0 ? [allow(['ssm:GetParameters'], [...new Set(parameters)])] : []),
      // Reads only, and EC2 knows no resource for it (AWS: Service Authorization Reference, Amazon EC2).
      ...(fleets.some(({ subnets }) => subnets === undefined) ? [allow(['ec2:DescribeSubnets'], ['*'])] : []),
    ],
  };
  const terminate: Grant = {
    statements: [
      allow(['ec2:TerminateInstances'], [anyOf('instance')], {
        StringEquals: { ...ofStack, [`aws:ResourceTag/${managedTag.key}`]: managedTag.value },
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

/** Amazon's own parameters are in no account. */
const parameterArn = (stack: Stack, region: string, name: string): string => {
  const account = name.startsWith('/aws/service/') ? { account: '' } : {};
  return Arn.format(
    { service: 'ssm', region, ...account, resource: 'parameter', resourceName: name.slice(1) },
    stack,
  );
};
