import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type LocalStack, startStack } from '../../local/stack.ts';
import { auditEvent, page } from '../../protocol/index.ts';
import { apiClient, until } from '../client.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'reveille-semaphore-'));
let stack: LocalStack;
beforeAll(async () => {
  stack = await startStack({ dataDir, schedules: false });
});
afterAll(async () => {
  await stack.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const madeHook = z.object({ id: z.string(), url: z.string() });
const setup = async (request: object) => madeHook.parse(await stack.invoke('SemaphoreSetup', request));

/** An instance with a URL of its own, as a runner of Semaphore has them. */
const aHook = async (more: object = {}) => {
  const instanceId = stack.ec2.createStoppedInstance();
  const { id, url } = await setup({ action: 'create', instanceId, ...more });
  return { id, url, instanceId };
};

/** As a stock Semaphore sends it: unsigned, ids as numbers, five fields. */
const post = async (url: string, action: 'start' | 'finish', task: number): Promise<number> => {
  const body = JSON.stringify({ action, project_id: 1, task_id: task, template_id: 3, runner_id: 4 });
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return response.status;
};

const stateOf = (instanceId: string) => stack.ec2.list().find(({ id }) => id === instanceId)?.state;
const isIn = (instanceId: string, state: string) =>
  until(`${instanceId} is ${state}`, 60_000, () => stateOf(instanceId) === state);
/** What the schedule does each minute. */
const minute = () => stack.invoke('SemaphoreHook', {});
const isOn = (instanceId: string) => ['pending', 'running'].includes(stateOf(instanceId) ?? '');

describe('the drop-in for Semaphore', () => {
  it('starts the instance with the first of overlapping tasks and stops it with the last', async () => {
    const { url, instanceId } = await aHook();
    expect(await post(url, 'start', 1)).toBe(204);
    await isIn(instanceId, 'running');
    await post(url, 'start', 2);
    await post(url, 'finish', 1);
    await minute();
    expect(isOn(instanceId)).toBe(true);
    expect(await post(url, 'finish', 2)).toBe(204);
    await isIn(instanceId, 'stopped');
  });

  it('takes duplicates for one', async () => {
    const { url, instanceId } = await aHook();
    await Promise.all([post(url, 'start', 1), post(url, 'start', 1)]);
    await post(url, 'start', 2);
    await isIn(instanceId, 'running');
    await Promise.all([post(url, 'finish', 1), post(url, 'finish', 1)]);
    expect(isOn(instanceId)).toBe(true);
    await post(url, 'finish', 2);
    await isIn(instanceId, 'stopped');
  });

  it('does not wake the instance for a start that comes after its finish', async () => {
    const { url, instanceId } = await aHook();
    await post(url, 'finish', 1);
    expect(await post(url, 'start', 1)).toBe(204);
    await minute();
    expect(stateOf(instanceId)).toBe('stopped');
  });

  it('starts it again when a task came while it stopped', async () => {
    const { url, instanceId } = await aHook();
    await post(url, 'start', 1);
    await isIn(instanceId, 'running');
    await post(url, 'finish', 1);
    await post(url, 'start', 2);
    await isIn(instanceId, 'running');
    await minute();
    expect(isOn(instanceId)).toBe(true);
    await post(url, 'finish', 2);
    await isIn(instanceId, 'stopped');
  });

  it('stops it when a finish never comes', async () => {
    const { url, instanceId } = await aHook({ maxHours: 0.0001 });
    await post(url, 'start', 1);
    await isIn(instanceId, 'running');
    await until('the time is over', 60_000, async () => {
      await minute();
      return !isOn(instanceId);
    });
    await isIn(instanceId, 'stopped');
  });

  it('asks EC2 again when it had no capacity', async () => {
    const { url, instanceId } = await aHook();
    stack.ec2.failNext('StartInstances', 'InsufficientInstanceCapacity', 'There is no room now.');
    expect(await post(url, 'start', 1)).toBe(204);
    expect(isOn(instanceId)).toBe(false);
    await minute();
    await isIn(instanceId, 'running');
    await post(url, 'finish', 1);
    await isIn(instanceId, 'stopped');
  });

  it('refuses who does not know the secret, what is no webhook, and a URL that was rotated or removed', async () => {
    const { id, url, instanceId } = await aHook();
    expect(await post(`${url}x`, 'start', 1)).toBe(401);
    expect(await post(url.replace(/\?.*/, ''), 'start', 1)).toBe(401);
    expect((await fetch(url, { method: 'POST', body: 'hello' })).status).toBe(400);
    const { url: rotated } = await setup({ action: 'rotate', id });
    expect(await post(url, 'start', 1)).toBe(401);
    await stack.invoke('SemaphoreSetup', { action: 'remove', id });
    expect(await post(rotated, 'start', 1)).toBe(401);
    expect(stateOf(instanceId)).toBe('stopped');
    const { items } = z
      .object({ items: z.array(z.object({ id: z.string() })) })
      .parse(await stack.invoke('SemaphoreSetup', { action: 'list' }));
    expect(items.map((item) => item.id)).not.toContain(id);
    const api = apiClient(stack.url, stack.adminToken ?? '');
    const trail = page(auditEvent).parse(await api.call('GET', '/api/audit?limit=3'));
    expect(trail.items.map(({ operation, target }) => [operation, target])).toEqual(
      ['remove', 'rotate', 'create'].map((action) => [`${action}SemaphoreUrl`, `/webhooks/semaphore/${id}`]),
    );
  });
});
