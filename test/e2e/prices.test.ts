/**
 * Instance prices from AWS's price list: a type outside the repository's tables has a price once it is in
 * use.
 */
import { expect } from 'vitest';
import { tablePrices } from '../../lambdas/core/costs/prices.ts';
import type { LocalStack } from '../../local/stack.ts';
import type { ProjectId } from '../../protocol/index.ts';
import { type Client, installAgent, until } from '../client.ts';
import { itOnOwnStack } from '../fixture.ts';

const it = itOnOwnStack({ schedules: false });
let stack: LocalStack;
let api: Client;
let projectId: ProjectId;

it.beforeAll(async ({ own }) => {
  ({ stack, api } = own);
  projectId = (await api.createProject('Prices')).id;
});

const asked = () => {
  const requests = stack.requests().filter(({ service }) => service === 'pricing');
  return requests.map(({ principal, operation, count }) => `${principal}: ${count} ${operation}`);
};
/** Returns a runner that has run a task and is still awake. */
const aRunnerAwake = async (instanceType: string) => {
  const instanceId = stack.ec2.createStoppedInstance({ instanceType });
  const { runner, ...made } = await api.createRunner(projectId, {
    name: instanceType,
    instanceId,
    tags: [instanceType.replace('.', '-')],
  });
  installAgent(stack.ec2.diskOf(instanceId), { runner, ...made });
  const { id: templateId } = await api.createTemplate(projectId, {
    name: instanceType,
    app: 'bash',
    script: 'true',
    tag: runner.tags[0],
  });
  const { id } = await api.startTask(projectId, templateId);
  const isDone = async () => (await api.getTask(projectId, id)).status === 'success';
  await until(`${instanceType} has done its task`, 60_000, isDone);
  return { id: runner.id, taskId: id };
};
const sessionOf = async (runnerId: string) =>
  (await api.getCosts(projectId)).sessions.find((session) => session.runnerId === runnerId);

it('asks once for the price of a type that no table knows, and keeps it in the session', async () => {
  const instanceType = 'c8g.2xlarge';
  expect(tablePrices(stack.region, instanceType)).toBeUndefined();
  const { id, taskId } = await aRunnerAwake(instanceType);
  expect(await api.getCosts(projectId)).toMatchObject({ spentMicroUsd: 0 });
  stack.resetRequests();
  await stack.invoke('Reconcile', {});
  await stack.invoke('Reconcile', {});
  expect(asked()).toEqual(['reconcile: 1 GetProducts']);
  await api.call('POST', `/api/projects/${projectId}/runners/${id}/sleep`);
  const session = await until('its session is over', 60_000, async () => {
    const found = await sessionOf(id);
    return found?.endedAt !== undefined && found;
  });
  const microUsd = Math.round((319_000 * session.billedSeconds) / 3600);
  expect(session).toMatchObject({ microUsd, price: { microUsdPerHour: 319_000 } });
  const { costMicroUsd } = await api.getTask(projectId, taskId);
  expect(costMicroUsd).toBe(microUsd);
  const costs = await api.getCosts(projectId);
  expect(costs).toMatchObject({ spentMicroUsd: microUsd, unpriced: [], pricesAsOf: session.price?.asOf });
  expect(costs.alwaysOnMicroUsd).toBeGreaterThan(0);
});

it('uses the table while the price list fails, and harms nothing else', async ({ own }) => {
  const { id } = await aRunnerAwake('t4g.medium');
  stack.faults.set([{ service: 'pricing', kind: 'error', probability: 1 }]);
  expect(await stack.invoke('Reconcile', {})).not.toHaveProperty('failed_and_left_for_later');
  stack.faults.set([]);
  expect(own.said().filter((line) => line.includes('The price list cannot be asked'))).toHaveLength(1);
  const billed = await sessionOf(id);
  expect(billed?.microUsd).toBe(Math.round((33_600 * (billed?.billedSeconds ?? 0)) / 3600));
  stack.resetRequests();
  await stack.invoke('Reconcile', {});
  expect(asked()).toEqual([]);
});
