import { expect, test } from 'vitest';
import { resourcesOf, synthesize } from './testing/template.ts';

const template = synthesize({ prefix: 'staging-' });
const propertiesOf = (type: string, beginning: string) =>
  resourcesOf(template, type).find(([id]) => id.startsWith(beginning))?.[1].Properties;

test('schedules are in a group of the stack, under a name that its prefix begins', () => {
  expect(
    resourcesOf(template, 'AWS::Scheduler::ScheduleGroup').map(([, { Properties }]) => Properties),
  ).toMatchObject([{ Name: 'staging-schedules' }]);
});

test('EventBridge Scheduler takes on its role for that group only', () => {
  const trust = JSON.stringify(propertiesOf('AWS::IAM::Role', 'SchedulerRole')?.AssumeRolePolicyDocument);
  expect(trust).toContain('"Service":"scheduler.amazonaws.com"');
  expect(trust).toMatch(/"aws:SourceArn":\{"Fn::GetAtt":\["Schedules\w+","Arn"\]\}/);
  expect(trust).toContain('"aws:SourceAccount":{"Ref":"AWS::AccountId"}');
});

test('and may invoke the one function and fill the one queue', () => {
  const policy = JSON.stringify(propertiesOf('AWS::IAM::Policy', 'SchedulerRole')?.PolicyDocument);
  const statements = policy.match(/"Action":"[^"]+"/g);
  expect(statements).toEqual(['"Action":"lambda:InvokeFunction"', '"Action":"sqs:SendMessage"']);
  expect(policy).toMatch(/\["ScheduledStartFunction\w+","Arn"\]/);
  expect(policy).toMatch(/\["DeadLetters\w+","Arn"\]/);
});

test('who hands schedules over may pass that role to EventBridge Scheduler and to nobody else', () => {
  for (const id of ['ApiRole', 'ReconcileRole']) {
    const policy = JSON.stringify(propertiesOf('AWS::IAM::Policy', id)?.PolicyDocument);
    expect(policy).toMatch(
      /"Action":"iam:PassRole","Condition":\{"StringEquals":\{"iam:PassedToService":"scheduler.amazonaws.com"\}\},"Effect":"Allow","Resource":\{"Fn::GetAtt":\["SchedulerRole/,
    );
  }
});
