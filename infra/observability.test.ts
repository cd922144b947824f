import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { resourcesOf, synthesize, type Template } from './testing/template.ts';

const alarm = z.object({
  AlarmDescription: z.string(),
  AlarmActions: z.array(z.object({ Ref: z.string() })).length(1),
  TreatMissingData: z.literal('notBreaching'),
});

const template = synthesize();
const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) =>
  alarm.parse(Properties),
);
const functions = resourcesOf(template, 'AWS::Lambda::Function');

describe('the alarms', () => {
  const whatToDoIn = (of: Template) =>
    resourcesOf(of, 'AWS::CloudWatch::Alarm').map(
      ([, { Properties }]) => /What to do: (.+)$/.exec(alarm.parse(Properties).AlarmDescription)?.[1],
    );
  const headings = [
    ...readFileSync(join(import.meta.dirname, '../docs/operating/runbook.md'), 'utf8').matchAll(
      /^## (.+)$/gm,
    ),
  ].map(([, text = '']) => text);

  it('name their heading of the runbook', () => {
    expect(alarms).toHaveLength(5);
    const named = whatToDoIn(template).map(
      (text) => /^"(.+)" in docs\/operating\/runbook\.md$/.exec(text ?? '')?.[1],
    );
    expect(headings).toEqual(expect.arrayContaining(named));
  });

  it('link to their heading in the configured runbook', () => {
    const url = 'https://wiki.example.com/runbook';
    const links = headings.map((text) => `${url}#${text.toLowerCase().replaceAll(' ', '-')}`);
    expect(links).toEqual(expect.arrayContaining(whatToDoIn(synthesize({ runbookUrl: url }))));
    expect(() => synthesize({ runbookUrl: 'docs/operating/runbook.md' })).toThrow(
      '"runbookUrl" must be an address',
    );
  });

  it('report a function that runs each minute and fails each time once, not per error', () => {
    const [[, errors] = []] = resourcesOf(template, 'AWS::CloudWatch::Alarm').filter(
      ([, { Properties }]) => Properties.MetricName === 'Errors',
    );
    expect(errors?.Properties).toMatchObject({
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      Statistic: 'Sum',
      Period: 60,
      DatapointsToAlarm: 3,
      EvaluationPeriods: 5,
    });
  });

  it('cover errors and throttles in the drop-in for Semaphore too, and notify', () => {
    const only = synthesize({ semaphoreOnly: 'true', alarmEmail: 'ops@example.com' });
    const metrics = resourcesOf(only, 'AWS::CloudWatch::Alarm').map(
      ([, { Properties }]) => Properties.MetricName,
    );
    expect(metrics.sort()).toEqual(['Errors', 'Throttles']);
    expect(resourcesOf(only, 'AWS::Logs::MetricFilter')).toHaveLength(2);
    expect(resourcesOf(only, 'AWS::SNS::TopicPolicy')).toHaveLength(1);
    expect(resourcesOf(only, 'AWS::SNS::Subscription')).toHaveLength(1);
    expect(Object.keys(only.Outputs)).toContain('AlarmTopicArn');
  });

  it('watch every dead-letter queue', () => {
    const queues = resourcesOf(template, 'AWS::SQS::Queue');
    const dead = queues.filter(([, { Properties }]) => !('RedrivePolicy' in Properties));
    const watching = JSON.stringify(resourcesOf(template, 'AWS::CloudWatch::Alarm'));
    expect(dead).toHaveLength(1);
    for (const [id] of dead) expect(watching).toContain(`{"Fn::GetAtt":["${id}","QueueName"]}`);
  });

  it('count the errors of every function', () => {
    expect(resourcesOf(template, 'AWS::Logs::MetricFilter')).toHaveLength(functions.length);
  });

  it('notify the e-mail address of the context', () => {
    const subscriptions = (context: object) =>
      resourcesOf(synthesize({ ...context }), 'AWS::SNS::Subscription').map(
        ([, { Properties }]) => Properties.Endpoint,
      );
    expect(subscriptions({})).toEqual([]);
    expect(subscriptions({ alarmEmail: 'ops@example.com' })).toEqual(['ops@example.com']);
    expect(() => synthesize({ alarmEmail: 'nobody' })).toThrow('"alarmEmail" must be an e-mail address');
  });
});

const topicPolicy = z.object({
  Topics: z.array(z.object({ Ref: z.string() })),
  PolicyDocument: z.object({ Statement: z.array(z.unknown()) }),
});

describe('the topic of every alarm', () => {
  const policies = resourcesOf(template, 'AWS::SNS::TopicPolicy').map(([, { Properties }]) =>
    topicPolicy.parse(Properties),
  );
  const topics = [...new Set(alarms.flatMap(({ AlarmActions }) => AlarmActions.map(({ Ref }) => Ref)))];

  it.each(topics)('%s accepts messages of CloudWatch for this account', (topic) => {
    const statements = policies
      .filter(({ Topics }) => Topics.some(({ Ref }) => Ref === topic))
      .flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
    expect(statements).toContainEqual(
      expect.objectContaining({
        Effect: 'Allow',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Action: 'sns:Publish',
        Resource: { Ref: topic },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      }),
    );
  });
});

describe('the dashboard', () => {
  it('exists once, and can be left out', () => {
    const count = (context: object) =>
      resourcesOf(synthesize({ ...context }), 'AWS::CloudWatch::Dashboard').length;
    expect([count({}), count({ dashboard: 'false' })]).toEqual([1, 0]);
  });
});

describe('traces', () => {
  const traced = (context: object) =>
    resourcesOf(synthesize({ ...context }), 'AWS::Lambda::Function')
      .filter(([, { Properties }]) => 'TracingConfig' in Properties)
      .map(([id]) => id);

  it('are sent by every function except those that run each minute, and the setup for Semaphore', () => {
    const sending = traced({});
    const others = functions.map(([id]) => id).filter((id) => !sending.includes(id));
    expect(others.filter((id) => !/^(Reconcile|Semaphore)/.test(id))).toEqual([]);
    expect(sending.join()).not.toContain('Reconcile');
  });

  it('can be turned off', () => {
    expect(traced({ tracing: 'false' })).toEqual([]);
  });
});

it('fits descriptions of alarms with the longest link to a runbook, and rejects a longer link', () => {
  const runbookUrl = `https://wiki.example.com/${'a'.repeat(512 - 25)}`;
  const alarms = resourcesOf(synthesize({ runbookUrl }), 'AWS::CloudWatch::Alarm');
  expect(alarms.length).toBeGreaterThan(2);
  // AWS: PutMetricAlarm, AlarmDescription.
  for (const [id, { Properties }] of alarms)
    expect(String(Properties.AlarmDescription).length, id).toBeLessThanOrEqual(1024);
  expect(() => synthesize({ runbookUrl: `${runbookUrl}a` })).toThrow('"runbookUrl" must be at most 512');
});

it('names the log group of API Gateway so that the account needs no entry in its policy for logs', () => {
  const names = resourcesOf(synthesize({ stackName: 'Ops' }), 'AWS::Logs::LogGroup').flatMap(
    ([, { Properties }]) => Properties.LogGroupName ?? [],
  );
  expect(names).toEqual(['/aws/vendedlogs/Ops/http-api']);
});
