/**
 * EventBridge Scheduler's stand-in, called as functions call it: through the SDK, signed, through the gateway
 * and its IAM.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  GetScheduleCommand,
  ListSchedulesCommand,
  SchedulerClient,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeFaults } from '../../gateway/faults.ts';
import { type Gateway, startGateway } from '../../gateway/gateway.ts';
import { type Credentials, makePrincipals } from '../../gateway/principals.ts';
import { countRequests } from '../../gateway/requests.ts';
import { makeIam } from '../../iam/index.ts';
import { aPrincipal, aRole, temporaryFolder } from '../../testing/fixture.ts';
import { readExpression } from './expression.ts';
import { openScheduler, type Scheduler } from './index.ts';

const region = 'us-east-1';
const accountId = '000000000000';
const place = { accountId, region, stackName: 'Stack', apiUrl: 'http://localhost:1' };
const functionArn = `arn:aws:lambda:${region}:${accountId}:function:Start`;
const queue = {
  name: 'Dead',
  url: 'https://sqs/Dead',
  arn: `arn:aws:sqs:${region}:${accountId}:Dead`,
  attributes: {},
};
const allow = (Action: string | string[], Resource: string, Condition = {}) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource, Condition }],
});
const trustOf = (Service: string, Condition = {}) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole', Condition }],
});
const group = `arn:aws:scheduler:${region}:${accountId}:schedule-group/ours`;
const taker = aRole({
  logicalId: 'Taker',
  name: 'Taker',
  arn: `arn:aws:iam::${accountId}:role/Taker`,
  trust: trustOf('scheduler.amazonaws.com', {
    StringEquals: { 'aws:SourceAccount': accountId, 'aws:SourceArn': group },
  }),
  policies: [allow('lambda:InvokeFunction', functionArn), allow('sqs:SendMessage', queue.arn)],
});
const other = aRole({
  logicalId: 'Other',
  name: 'Other',
  arn: `arn:aws:iam::${accountId}:role/Other`,
  trust: trustOf('lambda.amazonaws.com'),
});
const api = aRole({
  policies: [
    allow('scheduler:*', `arn:aws:scheduler:${region}:${accountId}:schedule/ours/sch_*`),
    allow('scheduler:*', `arn:aws:scheduler:${region}:${accountId}:schedule/theirs/sch_*`),
    allow('iam:PassRole', `arn:aws:iam::${accountId}:role/*`, {
      StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' },
    }),
  ],
});

const folder = temporaryFolder();
const path = join(folder.path, 'schedules.json');
const principals = makePrincipals(Date.now);
const faults = makeFaults(() => 0);
const invoked: unknown[] = [];
const buried: unknown[] = [];
const said: string[] = [];
let scheduler: Scheduler;
let gateway: Gateway;
let credentials: Credentials;

const spec = { roles: [taker, other, api], scheduleGroups: ['ours'], queues: [queue], place };
const iam = makeIam({ spec, tagsOf: () => undefined, onDenied: (message) => said.push(message) });
const open = () =>
  openScheduler({
    path,
    spec,
    place,
    iam,
    faults,
    deliver: async (arn, event) => {
      if (arn !== functionArn) throw new Error(`There is no function ${arn}.`);
      invoked.push(event);
    },
    sendMessage: async (_operation, input) => buried.push(input),
    nowMs: Date.now,
    log: (line) => said.push(line),
  });

beforeAll(async () => {
  gateway = await startGateway({
    faults,
    principals,
    counter: countRequests(),
    authorize: iam.authorize,
    nowMs: Date.now,
    services: { scheduler: (call) => scheduler.service(call) },
    onFailure: (message) => said.push(message),
  });
});
afterAll(async () => {
  await gateway?.stop();
  folder.remove();
});
beforeEach(() => {
  rmSync(path, { force: true });
  scheduler = open();
  credentials = principals.issue(aPrincipal({ role: api }));
  faults.set([]);
  for (const list of [invoked, buried, said]) list.length = 0;
});

const client = (given = credentials) =>
  new SchedulerClient({ region, endpoint: gateway.url, credentials: given, maxAttempts: 1 });
const aSchedule = (over: Partial<CreateScheduleCommandInput> = {}): CreateScheduleCommandInput => ({
  Name: 'sch_1',
  GroupName: 'ours',
  ScheduleExpression: 'cron(0 3 * * ? *)',
  ScheduleExpressionTimezone: 'Europe/Berlin',
  FlexibleTimeWindow: { Mode: 'OFF' },
  Target: {
    Arn: functionArn,
    RoleArn: taker.arn,
    Input: '{"at":"<aws.scheduler.scheduled-time>","by":"<aws.scheduler.schedule-arn>"}',
    DeadLetterConfig: { Arn: queue.arn },
  },
  ...over,
});
const create = (over?: Partial<CreateScheduleCommandInput>) =>
  client().send(new CreateScheduleCommand(aSchedule(over)));
const target = (over: object) => ({ Arn: functionArn, RoleArn: taker.arn, ...over });
const three = new Date('2026-01-01T02:00:30Z');

describe("EventBridge Scheduler's stand-in", () => {
  it('creates, shows, changes and deletes a schedule, and rejects a missing one as AWS does', async () => {
    const { ScheduleArn } = await create();
    expect(ScheduleArn).toBe(`arn:aws:scheduler:${region}:${accountId}:schedule/ours/sch_1`);
    await expect(create()).rejects.toMatchObject({ name: 'ConflictException' });
    const changed = aSchedule({ ScheduleExpression: 'cron(0 4 * * ? *)' });
    await client().send(new UpdateScheduleCommand(changed));
    const key = { Name: 'sch_1', GroupName: 'ours' };
    expect(await client().send(new GetScheduleCommand(key))).toMatchObject({
      ScheduleExpression: 'cron(0 4 * * ? *)',
    });
    await client().send(new DeleteScheduleCommand(key));
    const gone = { name: 'ResourceNotFoundException' };
    await expect(client().send(new DeleteScheduleCommand(key))).rejects.toMatchObject(gone);
    await expect(client().send(new UpdateScheduleCommand(changed))).rejects.toMatchObject(gone);
  });

  it.each([
    ['a steps expression', { ScheduleExpression: 'cron(*/5 * * * ? *)' }],
    ['a rate', { ScheduleExpression: 'rate(5 minutes)' }],
    ['two fields of days', { ScheduleExpression: 'cron(0 3 1 * MON *)' }],
    ['no field of days', { ScheduleExpression: 'cron(0 3 ? * ? *)' }],
    ['a time zone that is none', { ScheduleExpressionTimezone: 'Mars/Base' }],
    ['a window', { FlexibleTimeWindow: { Mode: 'FLEXIBLE' as const, MaximumWindowInMinutes: 5 } }],
    ['a start that is past', { StartDate: new Date('2020-01-01') }],
    ['an end that is past', { EndDate: new Date('2020-01-01') }],
    ['a role that it may not take on', { Target: target({ RoleArn: other.arn }) }],
    ['an unsupported target', { Target: target({ EcsParameters: { TaskDefinitionArn: 'x' } }) }],
  ])('rejects %s', async (_what, over) => {
    await expect(create(over)).rejects.toMatchObject({ name: 'ValidationException' });
    expect(scheduler.list()).toEqual([]);
  });

  it('rejects a group that the template does not have', async () => {
    await expect(create({ GroupName: 'theirs' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('names the unsupported action in its error', async () => {
    await expect(client().send(new ListSchedulesCommand({}))).rejects.toThrow('GET /schedules');
  });

  it('rejects a caller without permission, and a wrong signature', async () => {
    await expect(create({ Name: 'other' })).rejects.toMatchObject({ name: 'AccessDeniedException' });
    const mine = principals.issue(
      aPrincipal({ role: { ...api, arn: `${api.arn}-2`, policies: api.policies.slice(0, 1) } }),
    );
    const passing = client(mine).send(new CreateScheduleCommand(aSchedule()));
    await expect(passing).rejects.toThrow('iam:PassRole');
    const forged = client({ ...credentials, secretAccessKey: 'guessed' });
    await expect(forged.send(new CreateScheduleCommand(aSchedule()))).rejects.toThrow('signature');
  });
});

describe('a schedule of the stand-in', () => {
  it('invokes its function only in its minute, with the fields that AWS adds to the event', async () => {
    await create();
    await scheduler.runDue(new Date('2026-01-01T01:59:59Z'));
    await scheduler.runDue(new Date('2026-01-01T02:01:00Z'));
    expect(invoked).toEqual([]);
    await scheduler.runDue(three);
    expect(invoked).toEqual([
      { at: '2026-01-01T02:00:00Z', by: `arn:aws:scheduler:${region}:${accountId}:schedule/ours/sch_1` },
    ]);
  });

  it('survives a restart', async () => {
    await create();
    scheduler = open();
    await scheduler.runDue(three);
    expect(invoked).toHaveLength(1);
  });

  it('runs from its start to its end, and then disappears', async () => {
    const day = 86_400_000;
    const [start, end] = [Date.now() + day, Date.now() + 3 * day];
    await create({
      ScheduleExpression: 'cron(* * * * ? *)',
      StartDate: new Date(start),
      EndDate: new Date(end),
      ActionAfterCompletion: 'DELETE',
    });
    await scheduler.runDue(new Date(start - day / 2));
    expect(invoked).toHaveLength(0);
    await scheduler.runDue(new Date(start + day / 2));
    expect(invoked).toHaveLength(1);
    await scheduler.runDue(new Date(end + day / 2));
    expect(invoked).toHaveLength(1);
    expect(scheduler.list()).toEqual([]);
  });

  it('does nothing while it is disabled', async () => {
    await create({ State: 'DISABLED' });
    await scheduler.runDue(three);
    expect(invoked).toEqual([]);
  });

  it.each([
    ['Lambda does not take', {}],
    ['its role may not invoke', { Arn: `arn:aws:lambda:${region}:${accountId}:function:Other` }],
  ])('sends what %s to the dead-letter queue, with the reason', async (what, over) => {
    await create({ Target: target({ ...over, Input: '{}', DeadLetterConfig: { Arn: queue.arn } }) });
    if (what.startsWith('Lambda')) faults.set([{ service: 'lambda', kind: 'error', probability: 1 }]);
    await scheduler.runDue(three);
    expect(invoked).toEqual([]);
    expect(buried).toMatchObject([
      { QueueUrl: queue.url, MessageBody: '{}', MessageAttributes: { ERROR_CODE: expect.anything() } },
    ]);
  });
});

describe('an expression of EventBridge Scheduler', () => {
  const due = (expression: string, zone: string, from: string, to: string): string[] => {
    const { isDue } = readExpression(expression, zone);
    const minutes = [];
    for (let at = Date.parse(from); at < Date.parse(to); at += 60_000) {
      if (isDue(at)) minutes.push(new Date(at).toISOString().slice(0, 16));
    }
    return minutes;
  };

  it('counts days of the week from 1 for Sunday', () => {
    expect(due('cron(0 0 ? * 1 *)', 'UTC', '2026-01-01T00:00Z', '2026-01-08T00:00Z')).toEqual([
      '2026-01-04T00:00',
    ]);
  });

  it('skips times that a clock skips, and runs once for times that it shows twice', () => {
    expect(due('cron(30 2 * * ? *)', 'Europe/Berlin', '2026-03-28T12:00Z', '2026-03-30T12:00Z')).toEqual([
      '2026-03-30T00:30',
    ]);
    expect(due('cron(30 2 * * ? *)', 'Europe/Berlin', '2026-10-24T12:00Z', '2026-10-26T12:00Z')).toEqual([
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ]);
  });
});
