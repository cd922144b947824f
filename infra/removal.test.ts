/** What becomes of each resource when the stack is removed, or its first deployment fails. */
import { describe, expect, test } from 'vitest';
import { synthesize, synthesizeAll, type Template } from './testing/template.ts';

/** Every resource that says it, by its type. One that says nothing is removed. */
const removalsIn = ({ Resources }: Template): string[] => {
  const said = Object.values(Resources).flatMap(({ Type, DeletionPolicy, UpdateReplacePolicy }) =>
    DeletionPolicy === undefined && UpdateReplacePolicy === undefined
      ? []
      : [`${Type}: ${DeletionPolicy}, ${UpdateReplacePolicy} when replaced`],
  );
  return [...new Set(said)].sort();
};

const removed = [
  'AWS::Logs::LogGroup: Delete, Delete when replaced',
  'AWS::S3::Bucket: Delete, Delete when replaced',
  'AWS::SQS::Queue: Delete, Delete when replaced',
  'AWS::Scheduler::ScheduleGroup: Delete, Delete when replaced',
  'Custom::ConsoleFiles: Delete, Delete when replaced',
];

describe('what is removed with the stack', () => {
  test('is all but the table and the key of its secrets, which stay once they have been deployed', () => {
    expect(removalsIn(synthesize())).toEqual([
      'AWS::DynamoDB::Table: RetainExceptOnCreate, Retain when replaced',
      'AWS::KMS::Key: RetainExceptOnCreate, Retain when replaced',
      ...removed,
    ]);
  });

  test('is these too when it is told so, and another word for that is refused', () => {
    expect(removalsIn(synthesize({ keepData: 'false' }))).toEqual([
      'AWS::DynamoDB::Table: Delete, Delete when replaced',
      'AWS::KMS::Key: Delete, Delete when replaced',
      ...removed,
    ]);
    expect(() => synthesize({ keepData: 'perhaps' })).toThrow('"keepData"');
  });

  test('is all of the stacks of fleets', () => {
    const fleets = [{ name: 'sydney', region: 'ap-southeast-2', instanceTypes: ['t4g.small'] }];
    const template = synthesizeAll({ fleets })['Reveille-fleets-ap-southeast-2'];
    expect(template && removalsIn(template)).toEqual([]);
  });
});
