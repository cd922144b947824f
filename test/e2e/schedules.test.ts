/** Schedules through the whole stack: created, due, started once, and repaired. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DynamoDBClient, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { describe, expect } from 'vitest';
import * as z from 'zod';
import type { LocalStack } from '../../local/stack.ts';
import { type ProjectId, type RunnerInput, type Schedule, schedule, task } from '../../protocol/index.ts';
import { type Client, installAgent, until } from '../client.ts';
import { it } from '../fixture.ts';
import { unique } from '../unique.ts';

let stack: LocalStack;
let api: Client;
/** Log lines of this file's tests. */
let said: () => readonly string[];

it.beforeAll(({ shared, said: lines }) => {
  ({ stack, api } = shared);
  said = lines;
});

const addRunner = async (projectId: ProjectId, input: Partial<RunnerInput>): Promise<void> => {
  const instanceId = stack.ec2.createStoppedInstance();
  const made = await api.createRunner(projectId, {
    name: instanceId,
    instanceId,
    idleTimeoutMs: 0,
    ...input,
  });
  installAgent(stack.ec2.diskOf(instanceId), made);
};

/** Makes a project with a template, and functions for its schedules. */
const aProject = async (name: string, template: object = {}) => {
  const { id } = await api.createProject(unique(name));
  const base = `/api/projects/${id}`;
  const { id: templateId } = await api.createTemplate(id, {
    name: 'Nightly',
    app: 'bash',
    script: 'echo "for $site with $token"',
    tag: 'nightly',
    ...template,
  });
  return {
    id,
    base,
    templateId,
    add: async (input: object = {}): Promise<Schedule> =>
      schedule.parse(
        await api.call('POST', `${base}/schedules`, {
          name: unique('nightly'),
          templateId,
          cron: '0 3 * * *',
          ...input,
        }),
      ),
    get: async (one: Schedule): Promise<Schedule> =>
      schedule.parse(await api.call('GET', `${base}/schedules/${one.id}`)),
    tasks: async () => z.object({ items: z.array(task) }).parse(await api.call('GET', `${base}/tasks`)).items,
  };
};

const handedOver = ({ id }: Schedule) => stack.scheduler.list().find(({ Name }) => Name === id);
const three = new Date('2030-01-01T03:00:00Z');
const nextDay = new Date('2030-01-02T03:00:00Z');

describe('a schedule', () => {
  it('starts its template when it is due, and reports the task from its start to its end', async () => {
    const survey = [
      { name: 'site', title: 'Site', type: 'string' },
      { name: 'token', title: 'Token', type: 'secret' },
    ];
    const { id, add, get, tasks } = await aProject('Nightly', { survey });
    await addRunner(id, { tags: ['nightly'] });
    const made = await add({ survey: { site: 'main', token: 'hunter2-hunter2' } });
    expect(handedOver(made)).toMatchObject({ ScheduleExpression: 'cron(0 3 * * ? *)' });

    await stack.scheduler.runDue(three);
    const [started] = await tasks();
    expect(started).toMatchObject({
      createdBy: expect.stringMatching(/^schedule nightly/),
      message: expect.stringMatching(/^Schedule nightly/),
    });
    const done = await until('its task has ended', 60_000, async () => {
      const { lastRun } = await get(made);
      return lastRun?.taskStatus === 'success' && lastRun;
    });
    expect(done).toMatchObject({ at: '2030-01-01T03:00:00.000Z', outcome: 'started', taskId: started?.id });
    const log = await api.readLog(id, started?.id ?? 'tsk_');
    expect(log.map(({ text }) => text).join('')).toContain('for main with ***');
  });

  it('makes one task for a time delivered twice, also in parallel, and one for the next time', async () => {
    const { add, tasks } = await aProject('Twice', { tag: 'nowhere' });
    await add();
    await Promise.all([stack.scheduler.runDue(three), stack.scheduler.runDue(three)]);
    await stack.scheduler.runDue(three);
    expect(await tasks()).toHaveLength(1);
    await stack.scheduler.runDue(nextDay);
    expect(await tasks()).toHaveLength(2);
  });

  it('makes no second task for a time that is delivered again after its task has ended', async () => {
    const { id, add, tasks } = await aProject('Late', { tag: 'nowhere' });
    await add();
    await stack.scheduler.runDue(three);
    const [started] = await tasks();
    await api.stopTask(id, started?.id ?? 'tsk_');
    await stack.scheduler.runDue(three);
    expect(await tasks()).toMatchObject([{ id: started?.id, status: 'stopped' }]);
  });

  it('uses the clock of its zone: a time that is skipped in spring starts nothing', async () => {
    const { add, tasks } = await aProject('Spring', { tag: 'nowhere' });
    const made = await add({ cron: '30 2 * * *', timeZone: 'Europe/Berlin' });
    const night = (minute: string) => stack.scheduler.runDue(new Date(minute));
    await night('2030-03-31T00:30:00Z');
    await night('2030-03-31T01:30:00Z');
    expect(await tasks()).toEqual([]);
    await night('2030-04-01T00:30:00Z');
    expect(await tasks()).toHaveLength(1);
    expect(made.timeZone).toBe('Europe/Berlin');
  });

  it('disappears from EventBridge Scheduler when it is removed', async () => {
    const { base, add } = await aProject('Removed');
    const made = await add();
    await api.call('DELETE', `${base}/schedules/${made.id}`);
    expect(handedOver(made)).toBeUndefined();
    const another = await add();
    await api.call('DELETE', base);
    expect(handedOver(another)).toBeUndefined();
  });

  it('retries the start event of its task when a receiver does not accept it', async () => {
    const { id, add, tasks } = await aProject('Hook', { tag: 'hook' });
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(503).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    try {
      await api.createRunner(id, { name: 'hook', tags: ['hook'], webhookUrl: `http://127.0.0.1:${port}/` });
      await add();
      await stack.scheduler.runDue(three);
      const deliveries = await until('it was tried', 60_000, async () => {
        const all = await api.listDeliveries(id);
        return all.some(({ attempts }) => attempts.length > 1) && all;
      });
      const [started] = await tasks();
      expect(deliveries).toMatchObject([{ taskId: started?.id }]);
      await api.stopTask(id, started?.id ?? 'tsk_');
    } finally {
      server.close();
    }
  });
});

describe('while EventBridge Scheduler fails', () => {
  it('keeps a change and reports it as pending, and the reconciler applies it', async () => {
    const { base, add, get, templateId } = await aProject('Repair');
    const changed = await add();
    const removed = await add();
    stack.faults.set([
      { service: 'scheduler', kind: 'error', code: 'ThrottlingException', status: 429, probability: 1 },
    ]);
    const added = await add();
    expect(added.pending).toContain('An injected fault.');
    const input = { name: 'nightly', templateId, cron: '0 4 * * *' };
    await api.call('PUT', `${base}/schedules/${changed.id}`, input);
    await api.call('DELETE', `${base}/schedules/${removed.id}`);
    expect(await stack.invoke('Reconcile', {})).toMatchObject({ schedule_left_for_later: 3 });

    stack.faults.set([]);
    expect(await stack.invoke('Reconcile', {})).toMatchObject({ schedule_handed_over: 3 });
    expect(handedOver(added)).toBeDefined();
    expect(handedOver(changed)?.ScheduleExpression).toBe('cron(0 4 * * ? *)');
    expect(handedOver(removed)).toBeUndefined();
    for (const one of [added, changed]) expect(await get(one)).not.toHaveProperty('pending');
  });

  it('repeats no change whose answer was lost, and reports no failure', async () => {
    const { base, add } = await aProject('Lost answers');
    const lost = (operation: string) =>
      ({ service: 'scheduler', operation, kind: 'dropped', probability: 1 }) as const;
    stack.faults.set([lost('CreateSchedule'), lost('DeleteSchedule')]);
    const made = await add();
    expect(made).not.toHaveProperty('pending');
    expect(handedOver(made)).toBeDefined();
    await api.call('DELETE', `${base}/schedules/${made.id}`);
    stack.faults.set([]);
    expect(handedOver(made)).toBeUndefined();
    expect(await stack.invoke('Reconcile', {})).not.toHaveProperty('schedule_handed_over');
  });

  it('sends a start that Lambda refuses to a dead-letter queue', async () => {
    const { add, tasks } = await aProject('Dead');
    await add();
    stack.faults.set([{ service: 'lambda', kind: 'error', probability: 1 }]);
    await stack.scheduler.runDue(three);
    stack.faults.set([]);
    expect(await tasks()).toEqual([]);
    expect(said().some((line) => line.includes('EventBridge Scheduler could not invoke'))).toBe(true);
  });
});

describe('after the table was restored', () => {
  it('creates the schedules that EventBridge Scheduler lacks, as the runbook says', async () => {
    const { id, add, get } = await aProject('Restored');
    const made = await add();
    const runbook = readFileSync(join(import.meta.dirname, '../../docs/operating/runbook.md'), 'utf8');
    const option = (name: string, nth = 0) =>
      [...runbook.matchAll(new RegExp(`--${name} '([^']+)'`, 'g'))][nth]?.[1] ?? '';
    const values = (nth: number): Record<string, { S: string }> =>
      JSON.parse(option('expression-attribute-values', nth));
    const { endpoint, region, credentials, tableName: TableName } = stack.operator;
    const operator = { endpoint, region, credentials };
    await new SchedulerClient(operator).send(
      new DeleteScheduleCommand({ Name: made.id, GroupName: 'reveille-schedules' }),
    );
    expect(handedOver(made)).toBeUndefined();

    const dynamoDb = new DynamoDBClient(operator);
    const { Items = [] } = await dynamoDb.send(
      new ScanCommand({
        TableName,
        FilterExpression: option('filter-expression'),
        ExpressionAttributeValues: values(0),
      }),
    );
    const found = Items.flatMap(({ pk, sk }) => (pk && sk ? [{ pk, sk }] : []));
    expect(found).toContainEqual({ pk: { S: id }, sk: { S: made.id } });
    for (const Key of found) {
      await dynamoDb.send(
        new UpdateItemCommand({
          TableName,
          Key,
          UpdateExpression: option('update-expression'),
          ExpressionAttributeValues: values(1),
        }),
      );
    }
    expect(await stack.invoke('Reconcile', {})).toMatchObject({ schedule_handed_over: found.length });
    expect(handedOver(made)).toBeDefined();
    expect(await get(made)).not.toHaveProperty('pending');
  });
});

it('is denied no permission during these tests', ({ denials }) => {
  expect(denials()).toEqual([]);
});
