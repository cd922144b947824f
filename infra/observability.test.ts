import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { resourcesOf, synthesize } from './testing/template.ts';

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
  it('each point to their heading of the runbook', () => {
    const runbook = readFileSync(join(import.meta.dirname, '../docs/runbook.md'), 'utf8');
    const headings = [...runbook.matchAll(/^## (.+)$/gm)].map(([, text = '']) =>
      text.toLowerCase().replaceAll(' ', '-'),
    );
    const anchors = alarms.map(
      ({ AlarmDescription }) => /docs\/runbook\.md#([a-z-]+)$/.exec(AlarmDescription)?.[1],
    );
    expect(anchors).toHaveLength(5);
    expect(headings).toEqual(expect.arrayContaining(anchors));
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

  it('tell by e-mail who is named in the context', () => {
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

  it.each(topics)('%s takes what CloudWatch publishes for this account', (topic) => {
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
  it('is one, and can be left out', () => {
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

  it('are sent by every function but those that run each minute, and the set-up for Semaphore', () => {
    const sending = traced({});
    const others = functions.map(([id]) => id).filter((id) => !sending.includes(id));
    expect(others.filter((id) => !/^(Reconcile|Semaphore)/.test(id))).toEqual([]);
    expect(sending.join()).not.toContain('Reconcile');
  });

  it('can be turned off', () => {
    expect(traced({ tracing: 'false' })).toEqual([]);
  });
});
