/** Parameters of CreateFleet for an `instant` fleet of one instance. */
import { AwsError } from '../call.ts';
import { type FormNode, onlyParameters, recordsOf, requiredText, textOf } from './form.ts';

export interface LaunchOverride {
  readonly instanceType: string;
  readonly subnetId: string;
  readonly priority: number;
}

export interface LaunchRequest {
  readonly clientToken: string;
  readonly market: 'spot' | 'on-demand';
  readonly launchTemplate: string;
  readonly overrides: readonly LaunchOverride[];
  /** Tags by resource type. */
  readonly tagsOf: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Image id that every image parameter resolves to; the stand-in runs no image. */
export const anImage = 'ami-0123456789abcdef0';

export const unknownTemplate = (name: string): AwsError =>
  new AwsError(
    'InvalidLaunchTemplateName.NotFoundException',
    `The specified launch template, with template name ${name}, does not exist.`,
  );

const parameters = [
  'Type',
  'ClientToken',
  'TargetCapacitySpecification',
  'SpotOptions',
  'OnDemandOptions',
  'LaunchTemplateConfigs',
  'TagSpecification',
];

const nodeOf = (form: FormNode, name: string): FormNode => {
  const node = form.get(name);
  if (node instanceof Map) return node;
  throw new AwsError('MissingParameter', `The request must contain the parameter ${name}`);
};

const only = (value: string, allowed: readonly string[], name: string): string => {
  if (allowed.includes(value)) return value;
  throw new AwsError('InvalidParameterValue', `The stack on one machine knows no ${name} ${value}.`);
};

export const tagsIn = (node: FormNode): Record<string, string> =>
  Object.fromEntries(
    recordsOf(node, 'Tag').map((tag) => [requiredText(tag, 'Key'), textOf(tag, 'Value') ?? '']),
  );

/** Resource types that an `instant` fleet can tag (AWS: CreateFleet, TagSpecifications). */
const taggable = ['fleet', 'instance'];

const taggedType = (specification: FormNode): string => {
  const type = requiredText(specification, 'ResourceType');
  if (taggable.includes(type)) return type;
  throw new AwsError(
    'InvalidParameterValue',
    `'${type}' is not a valid taggable resource type for this operation.`,
  );
};

export const readLaunchRequest = (form: FormNode): LaunchRequest => {
  onlyParameters(form, parameters);
  only(requiredText(form, 'Type'), ['instant'], 'fleets of the type');
  const target = nodeOf(form, 'TargetCapacitySpecification');
  only(requiredText(target, 'TotalTargetCapacity'), ['1'], 'fleets of the capacity');
  const market = only(requiredText(target, 'DefaultTargetCapacityType'), ['spot', 'on-demand'], 'market');
  const [config, ...more] = recordsOf(form, 'LaunchTemplateConfigs');
  if (!config || more.length > 0) {
    throw new AwsError('InvalidParameterValue', 'The stack on one machine takes one launch template.');
  }
  const specification = nodeOf(config, 'LaunchTemplateSpecification');
  only(requiredText(specification, 'Version'), ['$Latest'], 'version');
  return {
    clientToken: requiredText(form, 'ClientToken'),
    market: market === 'spot' ? 'spot' : 'on-demand',
    launchTemplate: requiredText(specification, 'LaunchTemplateName'),
    overrides: recordsOf(config, 'Overrides').map((override) => ({
      instanceType: requiredText(override, 'InstanceType'),
      subnetId: requiredText(override, 'SubnetId'),
      priority: Number(textOf(override, 'Priority') ?? 0),
    })),
    tagsOf: Object.fromEntries(
      recordsOf(form, 'TagSpecification').map((one) => [taggedType(one), tagsIn(one)]),
    ),
  };
};
