/** Reads all templates of a synthesis: the control plane's, and one for each region with fleets. */
import type { LaunchWorld } from '../aws/ec2/launches.ts';
import { readTemplate } from './file.ts';
import type { Place } from './resource-ids.ts';
import type { StackSpec, TableSpec } from './stack-spec.ts';
import { templatesIn } from './synth.ts';
import { interpret } from './template.ts';

export interface Specs {
  readonly control: StackSpec;
  /** The one table of the control plane. */
  readonly table: TableSpec;
  readonly fleets: readonly StackSpec[];
  /** Launch templates and subnets of the fleets in all regions. */
  readonly launchWorld: LaunchWorld;
  /** Name of the synthesized stack, as the functions' policies have it. */
  readonly stackName: string;
}

export const readSpecs = (templateDir: string, place: Place): Specs => {
  const read = (path: string, of: Place): StackSpec => {
    const { template, assets } = readTemplate(path);
    return interpret(template, assets, of);
  };
  const templates = templatesIn(templateDir);
  const control = read(templates.control.path, place);
  const fleets = templates.fleets.map((one) => read(one.path, { ...place, ...one }));
  return {
    control,
    table: ownTableOf(control),
    fleets,
    launchWorld: {
      launchTemplates: fleets.flatMap(({ launchTemplates }) => launchTemplates),
      subnets: fleets.flatMap(({ subnets }) => subnets),
    },
    stackName: templates.control.stackName,
  };
};

/** Returns the table; throws when the table or the key of secrets is not the template's own. */
const ownTableOf = ({ tables: [table], kmsKeys, functions }: StackSpec): TableSpec => {
  const isElsewhere = (arn: string | undefined) =>
    arn !== undefined && !kmsKeys.some((key) => key.arn === arn);
  if (table && !functions.some(({ environment }) => isElsewhere(environment.SECRETS_KEY_ARN))) return table;
  throw new Error(
    'The stack on one machine makes its own table and key, and takes none that are in AWS: leave out tableName and secretsKeyArn.',
  );
};
