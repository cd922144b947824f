/** AWS requests of a minute without work: docs/operating/deploy.md uses these figures. */
import { expect } from 'vitest';
import type { LocalStack } from '../../local/stack.ts';
import { itOnOwnStack } from '../fixture.ts';

const it = itOnOwnStack({ schedules: false });
let stack: LocalStack;

it.beforeAll(async ({ own }) => {
  stack = own.stack;
  const { api } = own;
  const { id } = await api.createProject('Idle');
  await api.createRunner(id, { name: 'asleep', instanceId: stack.ec2.createStoppedInstance() });
  const { id: templateId } = await api.createTemplate(id, { name: 'Nightly', app: 'bash', script: 'true' });
  await api.call('POST', `/api/projects/${id}/keys`, {
    name: 'K',
    secret: { type: 'string', value: 'hunter2' },
  });
  await api.call('POST', `/api/projects/${id}/schedules`, { name: 'S', templateId, cron: '0 3 1 1 *' });
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
    'reconcile: 1 dynamodb GetItem',
    'reconcile: 1 ec2 DescribeInstances',
    'reconcile: 1 lambda Invoke',
    'reconcile: 5 dynamodb Query',
    'semaphore-hook: 1 dynamodb Query',
    'semaphore-hook: 1 lambda Invoke',
  ]);
});
