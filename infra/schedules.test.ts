import { expect, test } from 'vitest';
import { resourcesOf, synthesize } from './testing/template.ts';

const template = synthesize({ prefix: 'staging-' });
const propertiesOf = (type: string, beginning: string) =>
  resourcesOf(template, type).find(([id]) => id.startsWith(beginning))?.[1].Properties;

test('puts schedules in a group of the stack, whose name begins with its prefix', () => {
  expect(
    resourcesOf(template, 'AWS::Scheduler::ScheduleGroup').map(([, { Properties }]) => Properties),
  ).toMatchObject([{ Name: 'staging-schedules' }]);
});

test('lets EventBridge Scheduler assume its role for that group only', () => {
  const trust = JSON.stringify(propertiesOf('AWS::IAM::Role', 'SchedulerRole')?.AssumeRolePolicyDocument);
  expect(trust).toContain('"Service":"scheduler.amazonaws.com"');
  expect(trust).toMatch(/"aws:SourceArn":\{"Fn::GetAtt":\["Schedules\w+","Arn"\]\}/);
  expect(trust).toContain('"aws:SourceAccount":{"Ref":"AWS::AccountId"}');
});

test('lets that role invoke only the one function and fill the one queue', () => {
  const policy = JSON.stringify(propertiesOf('AWS::IAM::Policy', 'SchedulerRole')?.PolicyDocument);
  const statements = policy.match(/"Action":"[^"]+"/g);
  expect(statements).toEqual(['"Action":"lambda:InvokeFunction"', '"Action":"sqs:SendMessage"']);
  expect(policy).toMatch(/\["ScheduledStartFunction\w+","Arn"\]/);
  expect(policy).toMatch(/\["DeadLetters\w+","Arn"\]/);
});

test('lets functions with schedules pass that role only to EventBridge Scheduler', () => {
  for (const id of ['ApiRole', 'ReconcileRole']) {
    const policy = JSON.stringify(propertiesOf('AWS::IAM::Policy', id)?.PolicyDocument);
    expect(policy).toMatch(
      /"Action":"iam:PassRole","Condition":\{"StringEquals":\{"iam:PassedToService":"scheduler.amazonaws.com"\}\},"Effect":"Allow","Resource":\{"Fn::GetAtt":\["SchedulerRole/,
    );
  }
});
