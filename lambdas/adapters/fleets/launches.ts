/** CreateFleet's request for one instance, and what its answer says. Fleets of the type `instant` answer at once, and keep nothing. */
import type {
  _InstanceType,
  CreateFleetCommandInput,
  CreateFleetCommandOutput,
  Tag,
  TagSpecification,
} from '@aws-sdk/client-ec2';
import type { Market } from '../../../protocol/index.ts';
import { startFailure } from '../../core/runners/start-failure.ts';

/** As the launch templates have them; costs are told apart by the stack's and the fleet's. */
export const tagsOf = {
  stack: 'reveille:stack',
  fleet: 'reveille:fleet',
  /** Of an instance that an operator keeps for one project, or for `global` runners. */
  project: 'reveille:project',
  /** `{pool}/{runner's id}` */
  runner: 'reveille:runner',
  /** Where the agent of the instance finds the API. */
  api: 'reveille:api',
} as const;

export interface LaunchOrder {
  readonly region: string;
  readonly stack: string;
  readonly fleet: string;
  readonly launchTemplate: string;
  /** The first is preferred. */
  readonly instanceTypes: readonly string[];
  /** Those of the stack in that region unless given. */
  readonly subnets?: readonly string[] | undefined;
  /** An operator's own. */
  readonly instanceTags?: Readonly<Record<string, string>> | undefined;
  readonly market: Market;
  /** Of the same order the same, of another one another. */
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
      /** Of all types and zones that were tried. */
      readonly awsCodes: readonly string[];
    };

const tags = (of: Readonly<Record<string, string>>): Tag[] =>
  Object.entries(of).map(([Key, Value]) => ({ Key, Value }));

/**
 * A fleet of the type `instant` takes those of itself and of its instances, no others (AWS: CreateFleet, TagSpecifications); volumes and
 * network interfaces have theirs from the launch template. Of instances all, as AWS does not say whether these are joined to the
 * template's or take their place.
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

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFleet.html */
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
            ...(market === 'on-demand' && { Priority: priority }),
          })),
        ),
      },
    ],
    TagSpecifications: tagSpecifications(order),
  };
};

/** An instance, or of all errors one that may pass, if there is such. */
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
