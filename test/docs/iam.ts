/**
 * `npm run docs:iam`: writes the permissions of each role of the stack to docs/operating/iam.md, from the
 * synthesized template.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { resourcesOf, synthesizeAll, type Template } from '../../infra/testing/template.ts';
import { oneOrMore } from '../../local/iam/policy.ts';

const policy = z.object({
  PolicyDocument: z.object({
    Statement: z.array(
      z.object({
        Action: oneOrMore(z.string()),
        Resource: oneOrMore(z.unknown()),
        Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
      }),
    ),
  }),
  Roles: z.array(z.object({ Ref: z.string() })),
});
const role = z.object({ Description: z.string().optional() });
const intrinsic = z.union([
  z.object({ Ref: z.string() }).transform(({ Ref }) => nameOf(Ref)),
  z
    .object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) })
    .transform((get) => nameOf(get['Fn::GetAtt'][0])),
  z
    .object({ 'Fn::Sub': z.string() })
    .transform((sub) => sub['Fn::Sub'].replaceAll(/\$\{([^}]+)\}/g, (_, name) => nameOf(name))),
  z
    .object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) })
    .transform((join_) => join_['Fn::Join'][1].map(textOf).join(join_['Fn::Join'][0])),
]);

/** `AWS::Region` → `{region}`, `TableCD117FA1` → `Table`. */
const nameOf = (ref: string): string => {
  const [, pseudo] = /^AWS::(\w+)$/.exec(ref) ?? [];
  return pseudo === undefined
    ? ref.replace(/[0-9A-F]{8}$/, '')
    : `{${pseudo.replace('AccountId', 'account').toLowerCase()}}`;
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : intrinsic.parse(value));

/** Removes the parts that every ARN shares. */
const shorten = (resource: string): string =>
  resource
    .replace('arn:{partition}:', '')
    .replace('{region}:{account}:', '')
    .replace(/[0-9a-f]{64}/, '{hash}');

const conditionsOf = (conditions: Readonly<Record<string, Readonly<Record<string, unknown>>>>): string =>
  Object.entries(conditions)
    .flatMap(([operator, keys]) =>
      Object.entries(keys).map(
        ([key, wanted]) =>
          `\`${key}\` ${operator} ${[wanted]
            .flat()
            .map((one) => `\`${textOf(one)}\``)
            .join(', ')}`,
      ),
    )
    .join('; ');

const sentence = (description: string): string =>
  description.replace('Reveille: ', '').replace(/^./, (first) => first.toUpperCase());

const sectionOf = (template: Template, id: string, properties: unknown): string => {
  const { Description = '' } = role.parse(properties);
  const statements = resourcesOf(template, 'AWS::IAM::Policy')
    .map(([, { Properties }]) => policy.parse(Properties))
    .filter(({ Roles }) => Roles.some(({ Ref }) => Ref === id))
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
  const rows = statements.map(({ Action, Resource, Condition }) => {
    const on = Resource.map((one) => `\`${shorten(textOf(one))}\``).join(', ');
    return `| ${Action.map((action) => `\`${action}\``).join(', ')} | ${on} | ${conditionsOf(Condition)} |`;
  });
  return [
    `## ${nameOf(id)}`,
    '',
    `${sentence(Description)}.`,
    '',
    '| may | on | if |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
};

/** Example with fleets: without them no function may launch or terminate instances. */
const example = {
  name: 'builders',
  region: 'eu-west-1',
  instanceTypes: ['t4g.small'],
  whenIdle: 'terminate',
};

/** Returns the whole page. */
export const iamPage = (): string => {
  const templates = Object.values(synthesizeAll({ fleets: [example] }));
  const sections = templates.flatMap((template) =>
    resourcesOf(template, 'AWS::IAM::Role').map(([id, { Properties }]) =>
      sectionOf(template, id, Properties),
    ),
  );
  return `# Who may do what in AWS

Listed from the template by \`npm run docs:iam\`; a test compares. Resources are named as in the template; where an ARN has no region and
account here, they are the stack's own. [security.md](security.md#aws-permissions) says how it is made sure that this is enough and no
more than enough: every AWS call on one machine is checked against these roles, and \`npm run iam:report\` fails on a permission that
no test used.

- Each function has a role of its own (\`ApiRole\` and so on), which only Lambda takes on, and writes its own log alone. \`xray:\` is
  there as long as \`tracing\` is.
- \`RunnerRole\` is what agents get, never as it is: \`api\` narrows it by a session policy to the queues of one runner, for a quarter of an
  hour.
- \`SchedulerRole\` is EventBridge Scheduler's, for schedules of this stack's group alone.
- \`RunnerInstanceRole\` is that of the instances themselves: Session Manager, Run Command, and the agent's file.
- What is about launching and terminating is there as long as cdk.json has fleets; this page is with one, \`builders\` in eu-west-1,
  whose instances are terminated. \`BuildersRole\` is that of its instances.
- Instances are started and stopped only when they carry the tag \`reveille:stack\` = the stack's name, in any region; terminated only when a
  fleet launched them (\`reveille:fleet\`).
- CloudFormation itself works by the roles of CDK's bootstrap, which are not part of this.

${sections.join('\n')}`;
};

export const iamFile = join(import.meta.dirname, '..', '..', 'docs', 'operating', 'iam.md');

if (import.meta.main) writeFileSync(iamFile, iamPage());
