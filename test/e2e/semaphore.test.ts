import { describe, expect } from 'vitest';
import * as z from 'zod';
import type { LocalStack } from '../../local/stack.ts';
import { auditEvent, page, problem } from '../../protocol/index.ts';
import { apiClient, until } from '../client.ts';
import { it } from '../fixture.ts';

let stack: LocalStack;
it.beforeAll(({ shared }) => {
  ({ stack } = shared);
});

const madeHook = z.object({ id: z.string(), url: z.string() });
const setup = (request: object) => stack.invoke('SemaphoreSetup', request);
const urlOf = async (request: object) => madeHook.parse(await setup(request));

/** An instance with its own URL, like a runner of Semaphore. */
const aHook = async (more: object = {}) => {
  const instanceId = stack.ec2.createStoppedInstance();
  const { id, url } = await urlOf({ action: 'create', instanceId, ...more });
  return { id, url, instanceId };
};

const send = (url: string, body: string | Buffer) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

/** Sends the request of a stock Semaphore: unsigned, ids as numbers, five fields. */
const ask = (url: string, action: 'start' | 'finish', task: number) =>
  send(url, JSON.stringify({ action, project_id: 1, task_id: task, template_id: 3, runner_id: 4 }));
const post = async (...webhook: Parameters<typeof ask>): Promise<number> => (await ask(...webhook)).status;

/** Reads a rejection in RFC 9457's form. */
const refusal = async (response: Response) => {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const { status, code, detail } = problem.parse(await response.json());
  expect(status).toBe(response.status);
  return { status, code, detail };
};

const listed = async () =>
  z
    .object({ items: z.array(z.object({ id: z.string(), tasks: z.array(z.string()) })) })
    .parse(await setup({ action: 'list' })).items;

const stateOf = (instanceId: string) => stack.ec2.list().find(({ id }) => id === instanceId)?.state;
const isIn = (instanceId: string, state: string) =>
  until(`${instanceId} is ${state}`, 60_000, () => stateOf(instanceId) === state);
/** Runs the schedule of one minute. */
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

  it('counts duplicates once', async () => {
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

  it('starts the instance again when a task arrived while it stopped', async () => {
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

  it('stops the instance when a finish never arrives', async () => {
    const { url, instanceId } = await aHook({ maxHours: 0.0001 });
    await post(url, 'start', 1);
    await isIn(instanceId, 'running');
    await until('the time is over', 60_000, async () => {
      await minute();
      return !isOn(instanceId);
    });
    await isIn(instanceId, 'stopped');
  });

  it('asks EC2 again after it had no capacity', async () => {
    const { url, instanceId } = await aHook();
    stack.ec2.failNext('StartInstances', 'InsufficientInstanceCapacity', 'There is no room now.');
    expect(await post(url, 'start', 1)).toBe(204);
    expect(isOn(instanceId)).toBe(false);
    await minute();
    await isIn(instanceId, 'running');
    await post(url, 'finish', 1);
    await isIn(instanceId, 'stopped');
  });

  it.each([
    ['EC2 throttles', { code: 'RequestLimitExceeded', status: 503 }],
    ['EC2 fails', { code: 'InternalError', status: 500 }],
  ])('keeps a task when %s, and starts the instance within a minute', async (_what, fault) => {
    const { url, instanceId } = await aHook();
    stack.faults.set([
      { service: 'ec2', operation: 'StartInstances', kind: 'error', probability: 1, ...fault },
    ]);
    expect(await post(url, 'start', 1)).toBe(204);
    stack.faults.set([]);
    expect(isOn(instanceId)).toBe(false);
    await minute();
    await isIn(instanceId, 'running');
    expect(await post(url, 'finish', 1)).toBe(204);
    await isIn(instanceId, 'stopped');
  });

  it('acknowledges a finish when EC2 throttles the stop, and stops the instance in a minute', async () => {
    const { url, instanceId } = await aHook();
    await post(url, 'start', 1);
    await isIn(instanceId, 'running');
    const fault = { kind: 'error', code: 'RequestLimitExceeded', status: 503, probability: 1 } as const;
    stack.faults.set([{ service: 'ec2', operation: 'StopInstances', ...fault }]);
    expect(await post(url, 'finish', 1)).toBe(204);
    stack.faults.set([]);
    expect(isOn(instanceId)).toBe(true);
    await minute();
    await isIn(instanceId, 'stopped');
  });

  it('rejects a start that only the owner can repair, and accepts the next one', async () => {
    const { id, url, instanceId } = await aHook();
    stack.ec2.failNext('StartInstances', 'UnauthorizedOperation', 'You are not authorized.');
    expect(await refusal(await ask(url, 'start', 1))).toMatchObject({
      status: 409,
      code: 'cannot_be_woken',
      detail: expect.stringMatching(/cannot be started: .*Give the instance the tag reveille:stack/),
    });
    expect((await listed()).find((hook) => hook.id === id)?.tasks).toEqual([]);
    await minute();
    expect(stateOf(instanceId)).toBe('stopped');
    expect(await post(url, 'start', 1)).toBe(204);
    await isIn(instanceId, 'running');
    await post(url, 'finish', 1);
    await isIn(instanceId, 'stopped');
  });

  it('rejects the start of a terminated instance', async () => {
    const { id, url, instanceId } = await aHook();
    stack.ec2.terminate(instanceId);
    await isIn(instanceId, 'terminated');
    expect(await refusal(await ask(url, 'start', 1))).toMatchObject({
      code: 'cannot_be_woken',
      detail: expect.stringContaining('Make a URL for another one'),
    });
    expect((await listed()).find((hook) => hook.id === id)?.tasks).toEqual([]);
  });

  it('makes no URL for an unknown or terminated instance, or one that it may not start', async () => {
    const create = (instanceId: string, more: object = {}) =>
      setup({ action: 'create', instanceId, ...more });
    const before = await listed();
    const untagged = stack.ec2.createStoppedInstance({ tags: { 'reveille:stack': 'Another' } });
    await expect(create(untagged)).rejects.toThrow('Tag the instance reveille:stack = Reveille');
    await expect(create('i-0123456789abcdef0')).rejects.toThrow('EC2 has no instance i-0123456789abcdef0');
    const elsewhere = stack.ec2.createStoppedInstance({ region: 'eu-west-1' });
    await expect(create(elsewhere)).rejects.toThrow(`in ${stack.region}`);
    const gone = stack.ec2.createStoppedInstance();
    stack.ec2.terminate(gone);
    await isIn(gone, 'terminated');
    await expect(create(gone)).rejects.toThrow('EC2 has no instance');
    expect(await listed()).toEqual(before);
    await create(elsewhere, { region: 'eu-west-1' });
  });

  it('rejects a wrong secret, a body that is no webhook, and a rotated or removed URL', async () => {
    const { id, url, instanceId } = await aHook();
    expect(await refusal(await ask(`${url}x`, 'start', 1))).toMatchObject({ status: 401 });
    expect(await post(url.replace(/\?.*/, ''), 'start', 1)).toBe(401);
    expect(await refusal(await send(url, 'hello'))).toMatchObject({ status: 400, code: 'malformed_json' });
    expect(await refusal(await send(url, '{"action":"begin"}'))).toMatchObject({
      status: 422,
      detail: expect.stringContaining('→ at action'),
    });
    expect(await refusal(await send(url, `"${'x'.repeat(65_536)}"`))).toMatchObject({ status: 413 });
    const { url: rotated } = await urlOf({ action: 'rotate', id });
    expect(await post(url, 'start', 1)).toBe(401);
    await setup({ action: 'remove', id });
    expect(await post(rotated, 'start', 1)).toBe(401);
    expect(stateOf(instanceId)).toBe('stopped');
    expect((await listed()).map((item) => item.id)).not.toContain(id);
    const api = apiClient(stack.url, stack.adminToken ?? '');
    const trail = page(auditEvent).parse(await api.call('GET', '/api/audit?limit=3'));
    expect(trail.items.map(({ operation, target }) => [operation, target])).toEqual(
      ['remove', 'rotate', 'create'].map((action) => [`${action}SemaphoreUrl`, `/webhooks/semaphore/${id}`]),
    );
  });
});
