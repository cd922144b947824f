/** AWS requests of a minute without work: docs/operating/deploy.md uses these figures. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalStack, startStack } from '../../local/stack.ts';
import { apiClient } from '../client.ts';
import { templatesOf } from '../templates.ts';

const folder = mkdtempSync(join(tmpdir(), 'reveille-idle-'));
let stack: LocalStack;

beforeAll(async () => {
  stack = await startStack({ dataDir: folder, templateDir: await templatesOf({}), schedules: false });
  const api = apiClient(stack.url, stack.adminToken ?? '');
  const { id } = await api.createProject('Idle');
  await api.createRunner(id, { name: 'asleep', instanceId: stack.ec2.createStoppedInstance() });
  const { id: templateId } = await api.createTemplate(id, { name: 'Nightly', app: 'bash', script: 'true' });
  await api.call('POST', `/api/projects/${id}/keys`, {
    name: 'K',
    secret: { type: 'string', value: 'hunter2' },
  });
  await api.call('POST', `/api/projects/${id}/schedules`, { name: 'S', templateId, cron: '0 3 1 1 *' });
});
afterAll(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('costs the reads of two functions per idle minute, and no decryption or write', async () => {
  stack.resetRequests();
  await stack.invoke('Reconcile', {});
  await stack.invoke('SemaphoreHook', { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} });
  const asked = stack
    .requests()
    .filter(({ principal }) => !principal.endsWith('(event source)'))
    .map(({ principal, service, operation, count }) => `${principal}: ${count} ${service} ${operation}`);
  expect(asked.sort()).toEqual([
    'reconcile: 1 ec2 DescribeInstances',
    'reconcile: 1 lambda Invoke',
    'reconcile: 5 dynamodb Query',
    'semaphore-hook: 1 dynamodb Query',
    'semaphore-hook: 1 lambda Invoke',
  ]);
});
