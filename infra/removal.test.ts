/**
 * Removal of each resource with the stack or after a failed first deployment, and adoption of the kept
 * resources.
 */
import { describe, expect, test } from 'vitest';
import { acknowledgedOf, addNag } from './nag.ts';
import { resourcesOf, synthesize, synthesizeAll, type Template } from './testing/template.ts';

/** Lists every resource with a removal policy, by its type. One without a policy is removed. */
const removalsIn = ({ Resources }: Template): string[] => {
  const said = Object.values(Resources).flatMap(({ Type, DeletionPolicy, UpdateReplacePolicy }) =>
    DeletionPolicy === undefined && UpdateReplacePolicy === undefined
      ? []
      : [`${Type}: ${DeletionPolicy}, ${UpdateReplacePolicy} when replaced`],
  );
  return [...new Set(said)].sort();
};

const keyArn = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const made = synthesize();
const idOf = (template: Template, type: string): string => resourcesOf(template, type)[0]?.[0] ?? '';
const policiesOf = (template: Template) =>
  resourcesOf(template, 'AWS::IAM::Policy').map(([id, { Properties }]) => [id, Properties]);
const environmentsOf = (template: Template) =>
  resourcesOf(template, 'AWS::Lambda::Function').map(([id, { Properties }]) => [id, Properties.Environment]);

const removed = [
  'AWS::Logs::LogGroup: Delete, Delete when replaced',
  'AWS::S3::Bucket: Delete, Delete when replaced',
  'AWS::SQS::Queue: Delete, Delete when replaced',
  'AWS::Scheduler::ScheduleGroup: Delete, Delete when replaced',
  'Custom::ConsoleFiles: Delete, Delete when replaced',
  'Custom::EdgeKey: Delete, Delete when replaced',
];

describe('the removal of the stack', () => {
  test('keeps the table and the key of its secrets after their deployment, and removes all else', () => {
    expect(removalsIn(synthesize())).toEqual([
      'AWS::DynamoDB::Table: RetainExceptOnCreate, Retain when replaced',
      'AWS::KMS::Key: RetainExceptOnCreate, Retain when replaced',
      ...removed,
    ]);
  });

  test('removes these too when configured, and rejects an unknown value', () => {
    expect(removalsIn(synthesize({ keepData: 'false' }))).toEqual([
      'AWS::DynamoDB::Table: Delete, Delete when replaced',
      'AWS::KMS::Key: Delete, Delete when replaced',
      ...removed,
    ]);
    expect(() => synthesize({ keepData: 'perhaps' })).toThrow('"keepData"');
  });

  test('leaves adopted resources alone', () => {
    const adopting = synthesize({ tableName: 'restored', secretsKeyArn: keyArn });
    expect(removalsIn(adopting)).toEqual(removed);
  });

  test('removes everything of the stacks of fleets', () => {
    const fleets = [{ name: 'sydney', region: 'ap-southeast-2', instanceTypes: ['t4g.small'] }];
    const template = synthesizeAll({ fleets })['Reveille-fleets-ap-southeast-2'];
    expect(template && removalsIn(template)).toEqual([]);
  });
});

describe('an adopted table and key', () => {
  const adopting = synthesize({ tableName: 'restored', secretsKeyArn: keyArn });

  test('are passed and granted to every function, the index too, like resources of the stack', () => {
    const own = { Ref: idOf(made, 'AWS::DynamoDB::Table') };
    const ownArn = { 'Fn::GetAtt': [idOf(made, 'AWS::DynamoDB::Table'), 'Arn'] };
    const keyOfOwn = { 'Fn::GetAtt': [idOf(made, 'AWS::KMS::Key'), 'Arn'] };
    const arn = (rest: string) => ({
      'Fn::Join': [
        '',
        [
          ...['arn:', { Ref: 'AWS::Partition' }, ':dynamodb:', { Ref: 'AWS::Region' }, ':'],
          ...[{ Ref: 'AWS::AccountId' }, `:table/restored${rest}`],
        ],
      ],
    });
    const replacements: readonly (readonly [unknown, unknown])[] = [
      [{ 'Fn::Join': ['', [ownArn, '/index/live']] }, arn('/index/live')],
      [ownArn, arn('')],
      [own, 'restored'],
      [keyOfOwn, keyArn],
    ];
    const expected = replacements.reduce(
      (text, [from, to]) => text.replaceAll(JSON.stringify(from), JSON.stringify(to)),
      JSON.stringify([policiesOf(made), environmentsOf(made), made.Outputs]),
    );
    expect([policiesOf(adopting), environmentsOf(adopting), adopting.Outputs]).toEqual(JSON.parse(expected));
    expect(expected).toContain('/index/live');
  });

  test.each([
    ['tableName', 'a/b'],
    ['secretsKeyArn', '1234abcd-12ab-34cd-56ef-1234567890ab'],
  ])('are rejected with an invalid name: %s %s', (name, value) => {
    expect(() => synthesize({ [name]: value })).toThrow(`"${name}" must be`);
  });

  test('pass the rules for AWS', () => {
    expect(() =>
      synthesize({ tableName: 'restored', secretsKeyArn: keyArn }, (app) =>
        addNag(app, acknowledgedOf({ prefix: 'reveille-' })),
      ),
    ).not.toThrow();
  });
});
