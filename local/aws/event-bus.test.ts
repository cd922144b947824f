import { describe, expect, it } from 'vitest';
import { makeEventBus, passesOn, periodOf } from './event-bus.ts';
import { matchesPattern } from './event-pattern.ts';

describe('event patterns', () => {
  const event = { source: 'aws.ec2', detail: { state: 'running', tries: 2 }, resources: ['a', 'b'] };

  it.each([
    ['one of the values', { source: ['aws.ecs', 'aws.ec2'] }, true],
    ['another value', { source: ['aws.ecs'] }, false],
    ['a nested field', { detail: { state: ['running'] } }, true],
    ['all fields', { source: ['aws.ec2'], detail: { state: ['stopped'] } }, false],
    ['an item of a list', { resources: ['b'] }, true],
    ['a prefix', { source: [{ prefix: 'aws.' }] }, true],
    ['anything but', { source: [{ 'anything-but': ['aws.ec2'] }] }, false],
    ['absence', { detail: { fault: [{ exists: false }] } }, true],
  ])('match %s', (_what, pattern, expected) => {
    expect(matchesPattern(pattern, event)).toBe(expected);
  });

  it('reject an unknown matcher by its name', () => {
    expect(() => matchesPattern({ source: [{ numeric: ['>', 1] }] }, event)).toThrow('numeric');
  });
});

describe('schedules', () => {
  it.each([
    ['rate(1 minute)', 60_000],
    ['rate(5 minutes)', 300_000],
    ['rate(2 hours)', 7_200_000],
  ])('%s', (schedule, ms) => {
    expect(periodOf(schedule)).toBe(ms);
  });

  it('reject an unknown expression', () => {
    expect(() => periodOf('cron(0 * * * ? *)')).toThrow('cron(0 * * * ? *)');
  });
});

describe('an event of another region', () => {
  const place = { accountId: '0', region: 'us-east-1', stackName: 'S', apiUrl: '' };
  const event = {
    source: 'aws.ec2',
    'detail-type': 'Change',
    resources: [],
    detail: {},
    region: 'eu-west-1',
  };
  const bus = 'arn:aws:events:us-east-1:0:event-bus/default';
  const rule = (over: object = {}) => ({
    arn: 'rule/a',
    pattern: { source: ['aws.ec2'] },
    targetArns: [bus],
    ...over,
  });

  it('arrives only where a rule of that region forwards it', () => {
    expect(passesOn([rule()], place, event)).toBe(true);
    expect(passesOn([], place, event)).toBe(false);
    expect(passesOn([rule({ pattern: { source: ['aws.s3'] } })], place, event)).toBe(false);
    expect(passesOn([rule({ targetArns: [bus.replace('us-east-1', 'us-west-2')] })], place, event)).toBe(
      false,
    );
  });
});

describe('the event bus', () => {
  it('sends an event in its envelope to the rules that it matches', () => {
    const got: unknown[] = [];
    const bus = makeEventBus({
      rules: [
        { arn: 'rule/a', pattern: { source: ['aws.ec2'] }, targetArns: ['fn'] },
        { arn: 'rule/b', pattern: { source: ['aws.s3'] }, targetArns: ['fn'] },
      ],
      place: { accountId: '0', region: 'us-east-1', stackName: 'S', apiUrl: '' },
      deliver: async (arn, event) => void got.push([arn, event]),
      now: () => new Date('2026-01-01T00:00:00.123Z'),
    });
    bus.put({ source: 'aws.ec2', 'detail-type': 'Change', resources: [], detail: { state: 'running' } });
    bus.stop();
    expect(got).toMatchObject([
      [
        'fn',
        { version: '0', time: '2026-01-01T00:00:00Z', region: 'us-east-1', detail: { state: 'running' } },
      ],
    ]);
  });
});
