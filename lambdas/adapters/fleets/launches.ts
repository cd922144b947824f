/**
 * CreateFleet's request for one instance, and its answer. A fleet of type `instant` answers at once, and AWS
 * keeps no fleet.
 */
import type {
  _InstanceType,
  CreateFleetCommandInput,
  CreateFleetCommandOutput,
  Tag,
  TagSpecification,
} from '@aws-sdk/client-ec2';
import type { Market } from '../../../protocol/index.ts';
import { startFailure } from '../../core/runners/start-failure.ts';

/**
 * Tags, with the same names as in the launch templates. Cost reports group by the stack's and the fleet's.
 */
export const tagsOf = {
  stack: 'reveille:stack',
  fleet: 'reveille:fleet',
  /** Project of an instance that an operator keeps for one project, or `global`. */
  project: 'reveille:project',
  /** `{pool}/{runner's id}` */
  runner: 'reveille:runner',
  /** URL of the API, for the agent of the instance. */
  api: 'reveille:api',
} as const;

export interface LaunchOrder {
  readonly region: string;
  readonly stack: string;
  readonly fleet: string;
  readonly launchTemplate: string;
  /** Instance types, the preferred one first. */
  readonly instanceTypes: readonly string[];
  /** Subnets; those of the stack in that region if absent. */
  readonly subnets?: readonly string[];
  /** Tags that an operator adds. */
  readonly instanceTags?: Readonly<Record<string, string>>;
  readonly market: Market;
  /** Same for repeats of one order, different for different orders. */
  readonly clientToken: string;
  readonly runner: string;
  readonly apiUrl: string;
}

export type LaunchOutcome =
  | {
      readonly launched: true;
      readonly instanceId: string;
      readonly instanceType: string | undefined;
      readonly market: Market;
    }
  | {
      readonly launched: false;
      readonly awsCode: string;
      readonly detail: string;
      /** Error codes of all types and zones that were tried. */
      readonly awsCodes: readonly string[];
    };

const tags = (of: Readonly<Record<string, string>>): Tag[] =>
  Object.entries(of).map(([Key, Value]) => ({ Key, Value }));

/**
 * A fleet of type `instant` accepts tags for itself and its instances only (AWS: CreateFleet,
 * TagSpecifications). Volumes and network interfaces get theirs from the launch template. Instances get all
 * tags here: AWS does not say whether these add to the template's or replace them.
 */
const tagSpecifications = ({
  stack,
  fleet,
  runner,
  apiUrl,
  instanceTags,
}: LaunchOrder): TagSpecification[] => {
  const forCosts = { [tagsOf.stack]: stack, [tagsOf.fleet]: fleet };
  const own = { Name: `${stack}-${fleet}`, [tagsOf.runner]: runner, [tagsOf.api]: apiUrl };
  return [
    { ResourceType: 'fleet', Tags: tags(forCosts) },
    { ResourceType: 'instance', Tags: tags({ ...instanceTags, ...own, ...forCosts }) },
  ];
};

/** Builds the request: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFleet.html */
export const fleetRequest = (order: LaunchOrder, subnetIds: readonly string[]): CreateFleetCommandInput => {
  const { launchTemplate, instanceTypes, market, clientToken } = order;
  return {
    Type: 'instant',
    ClientToken: clientToken,
    TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: market },
    ...(market === 'spot'
      ? { SpotOptions: { AllocationStrategy: 'price-capacity-optimized' } }
      : { OnDemandOptions: { AllocationStrategy: 'prioritized' } }),
    LaunchTemplateConfigs: [
      {
        LaunchTemplateSpecification: { LaunchTemplateName: launchTemplate, Version: '$Latest' },
        Overrides: instanceTypes.flatMap((type, priority) =>
          subnetIds.map((SubnetId) => ({
            InstanceType: type as _InstanceType,
            SubnetId,
            Priority: market === 'on-demand' ? priority : undefined,
          })),
        ),
      },
    ],
    TagSpecifications: tagSpecifications(order),
  };
};

/** Returns the instance, or the error to show: a temporary one if there is any. */
export const launchOutcome = ({
  Instances = [],
  Errors = [],
}: Pick<CreateFleetCommandOutput, 'Instances' | 'Errors'>): LaunchOutcome => {
  const [made] = Instances;
  const instanceId = made?.InstanceIds?.[0];
  if (instanceId) {
    return {
      launched: true,
      instanceId,
      instanceType: made.InstanceType,
      market: made.Lifecycle === 'spot' ? 'spot' : 'on-demand',
    };
  }
  const refusals = Errors.map(({ ErrorCode = 'Unknown', ErrorMessage = 'EC2 gives no reason.' }) => ({
    awsCode: ErrorCode,
    detail: ErrorMessage,
  }));
  const refusal =
    refusals.find(({ awsCode, detail }) => startFailure(awsCode, detail).mayPass) ?? refusals[0];
  return {
    launched: false,
    awsCodes: refusals.map(({ awsCode }) => awsCode),
    ...(refusal ?? { awsCode: 'NoInstance', detail: 'EC2 launched no instance, and gives no reason.' }),
  };
};
