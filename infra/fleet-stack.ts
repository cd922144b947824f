/**
 * The fleets of one region: a launch template for each, from which the control plane, in any region, launches
 * instances.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type App, CfnOutput, Stack, Tags } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { type Network, SmallVpc } from './fleet-network.ts';
import { type FleetSettings, nameInStack } from './fleets.ts';
import { stackTag } from './grants.ts';
import { forwardInstanceEvents } from './instance-events.ts';
import { RunnerInstance } from './runner-instance.ts';

export interface FleetStackProps {
  /** Name of the control plane's stack, with which the names of the fleets' stacks begin. */
  readonly stackName: string;
  readonly region: string;
  readonly controlPlaneRegion: string;
  /** Fleets of the region. */
  readonly fleets: readonly FleetSettings[];
  readonly agentFile: string;
  /** The root of the repository. */
  readonly root: string;
}

/**
 * Tag that, with the stack's, separates costs once both are active cost allocation tags (AWS: Billing, Cost
 * allocation tags).
 */
export const fleetTag = 'reveille:fleet';

/** Maximum length (AWS: IAM quotas). */
const longestRoleName = 64;

const checkName = (stackName: string, fleet: FleetSettings): string => {
  const name = nameInStack(stackName, fleet.name);
  if (name.length <= longestRoleName) return name;
  throw new Error(
    `The name ${name} is too long for the role of a fleet's instances: the stackName and the fleet's name may have ${longestRoleName - 1} characters together.`,
  );
};

/**
 * Maximum length in bytes (AWS: CloudFormation quotas, template description); names of fleets are one byte
 * per character.
 */
const longestDescription = 1024;

const describeFleets = (fleets: readonly FleetSettings[]): string => {
  const whole = `Reveille: runner fleets ${fleets.map(({ name }) => name).join(', ')}`;
  return whole.length <= longestDescription ? whole : `Reveille: ${fleets.length} runner fleets`;
};

const readScript = (root: string, { name, userDataFile }: FleetSettings): string | undefined => {
  if (userDataFile === undefined) return undefined;
  const path = join(root, userDataFile);
  if (!existsSync(path))
    throw new Error(`The fleet ${name} has the userDataFile ${userDataFile}, which does not exist.`);
  return readFileSync(path, 'utf8');
};

export class FleetStack extends Stack {
  constructor(app: App, props: FleetStackProps) {
    const { stackName, region, controlPlaneRegion, fleets, agentFile, root } = props;
    super(app, `${stackName}-fleets-${region}`, {
      env: { region },
      description: describeFleets(fleets),
    });
    Tags.of(this).add(stackTag, stackName);
    if (region !== controlPlaneRegion) forwardInstanceEvents(this, controlPlaneRegion);
    let made: SmallVpc | undefined;
    const networkOf = ({ vpcId, subnets }: FleetSettings): Network => {
      if (vpcId !== undefined && subnets !== undefined) return { vpcId, subnetIds: subnets };
      made ??= new SmallVpc(this, 'Network');
      return made;
    };

    // A scope of their own, as a fleet may have any name.
    const scope = new Construct(this, 'Fleets');
    for (const fleet of fleets) {
      const { vpcId, subnetIds } = networkOf(fleet);
      const runner = new RunnerInstance(scope, fleet.name, {
        instanceType: fleet.instanceTypes[0] ?? '',
        architecture: fleet.architecture,
        ami: fleet.ami,
        fleet: {
          name: checkName(stackName, fleet),
          hibernates: fleet.whenIdle === 'hibernate',
          terminates: fleet.whenIdle === 'terminate',
        },
        volumeGiB: fleet.volumeGiB,
        vpcId,
        agentFile,
        unitFolder: join(root, 'runner-agent/host'),
        tasksUseRole: fleet.tasksUseInstanceRole,
        script: readScript(root, fleet),
        tags: {
          ...fleet.instanceTags,
          Name: nameInStack(stackName, fleet.name),
          [stackTag]: stackName,
          [fleetTag]: fleet.name,
          ...(fleet.tags.length > 0 && { 'reveille:tags': fleet.tags.join(' ') }),
        },
      });
      // Within the fleet, so that their names end with a hash: without dashes, `a1` and `a-1` would get the
      // same name.
      const description = `Of the fleet ${fleet.name}`;
      new CfnOutput(runner, 'LaunchTemplateId', { value: runner.launchTemplateId, description });
      new CfnOutput(runner, 'SubnetIds', { value: subnetIds.join(','), description });
    }
  }
}

/** Adds a stack for each region with fleets. */
export const addFleetStacks = (
  app: App,
  fleets: readonly FleetSettings[],
  props: Omit<FleetStackProps, 'region' | 'fleets'>,
): FleetStack[] =>
  [...new Set(fleets.map(({ region }) => region))].map(
    (region) =>
      new FleetStack(app, { ...props, region, fleets: fleets.filter((fleet) => fleet.region === region) }),
  );
