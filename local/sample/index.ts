/**
 * `npm start -- --sample`: a believable project with a week of history. Creates the configuration through the
 * API, then replays the past with the product's own flows.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { keys, openTable } from '../../lambdas/adapters/table.ts';
import { type AnswerOf, parseAnswer, pathOf } from '../../protocol/endpoints/call.ts';
import type { Endpoint } from '../../protocol/endpoints/endpoint.ts';
import { integrations } from '../../protocol/endpoints/integrations.ts';
import { acceptInvitation, createInvitation, getSetupState, setUp } from '../../protocol/endpoints/people.ts';
import { createProject } from '../../protocol/endpoints/projects.ts';
import * as endpoints from '../../protocol/endpoints/resources.ts';
import { projectRunners } from '../../protocol/endpoints/runners.ts';
import { schedules } from '../../protocol/endpoints/schedules.ts';
import { startTask } from '../../protocol/endpoints/tasks.ts';
import { createdRunner, type TemplateId, toInstant } from '../../protocol/index.ts';
import type { LocalStack } from '../stack.ts';
import { planWeek, sampleDays } from './plan.ts';
import { replay } from './replay.ts';
import {
  environment,
  integration,
  inventory,
  key,
  members,
  repository,
  runners,
  schedule,
  templates,
  templateWithoutRunner,
} from './things.ts';

export const projectName = 'Web shop';

export interface SampleOptions {
  readonly stack: LocalStack;
  /** End of the week, in epoch milliseconds. */
  readonly nowMs: number;
  /** Returns numbers from 0 to 1. */
  readonly random: () => number;
  /** Password of the sample's users; at least 12 characters. */
  readonly password: string;
}

export interface SignIn {
  readonly email: string;
  readonly password: string;
}

/**
 * Makes the sample. Returns the admin's sign-in if the stack had no users before. Throws with the API's
 * answer when the API rejects a call.
 */
export const makeSample = async ({
  stack,
  nowMs,
  random,
  password,
}: SampleOptions): Promise<SignIn | undefined> => {
  const call = async <E extends Endpoint>(
    endpoint: E,
    body: unknown,
    params: Readonly<Record<string, string>> = {},
  ): Promise<AnswerOf<E>> => {
    const response = await fetch(`${stack.url}${pathOf(endpoint, params)}`, {
      method: endpoint.method.toUpperCase(),
      headers: { authorization: `Bearer ${stack.adminToken}`, 'content-type': 'application/json' },
      ...(endpoint.method !== 'get' && { body: JSON.stringify(body) }),
    });
    if (!response.ok) {
      throw new Error(`The sample cannot be made: ${endpoint.operationId}: ${await response.text()}`);
    }
    return parseAnswer(endpoint, await response.json());
  };

  const { id: projectId } = await call(createProject, { name: projectName });
  const within = { projectId };
  const made = [];
  for (const { instanceType, name, tags, maxParallelTasks } of runners) {
    const instanceId = stack.ec2.createStoppedInstance({ instanceType });
    const body = { name, tags, maxParallelTasks, instanceId };
    const answer = createdRunner.parse(await call(projectRunners.create, body, within));
    writeFileSync(join(stack.ec2.diskOf(instanceId), 'runner.json'), JSON.stringify(answer), { mode: 0o600 });
    made.push({ id: answer.runner.id, instanceType });
  }
  const templateIds = new Map<string, TemplateId>();
  const { id: inventoryId } = await call(endpoints.inventories.create, inventory, within);
  await call(endpoints.environments.create, environment, within);
  await call(endpoints.keys.create, key, within);
  const { id: repositoryId } = await call(endpoints.repositories.create, repository, within);
  for (const { input, hasInventory, commits } of templates) {
    const body = { ...input, ...(hasInventory && { inventoryId }), ...(commits && { repositoryId }) };
    const { id, name } = await call(endpoints.templates.create, body, within);
    templateIds.set(name, id);
  }

  const startedBy = ({ template, input }: { template: string; input: object }) => ({
    ...input,
    templateId: templateIds.get(template),
  });
  const { id: scheduleId } = await call(schedules.create, startedBy(schedule), within);
  await call(integrations.create, startedBy(integration), within);

  const { isSetUp } = await call(getSetupState, undefined);
  const [{ name, email }] = members;
  if (!isSetUp) await call(setUp, { name, email, password });
  const people = [];
  for (const { name, email, role } of members) {
    const { token } = await call(createInvitation, { email, role }, within);
    people.push(await call(acceptInvitation, { token, name, password }));
  }

  const { endpoint, region, credentials, tableName } = stack.operator;
  const client = new DynamoDBClient({ endpoint, region, credentials });
  const table = openTable(tableName, client);
  const born = toInstant(nowMs - sampleDays * 86_400_000);
  const backdated = [
    keys.project(projectId),
    ...[...templateIds.values(), scheduleId].map((id) => keys.resource(projectId, id)),
    ...people.map(({ id }) => keys.user(id)),
  ];
  for (const key of backdated) await table.update(key, { set: { createdAt: born } }, [['exists', 'pk']]);
  for (const { id } of made) {
    const sleptSince = { createdAt: born, statusSince: born };
    await table.update(keys.resource(projectId, id), { set: sleptSince }, [['exists', 'pk']]);
  }

  await replay({
    table,
    projectId,
    runners: made,
    scheduleId,
    plan: planWeek(templates, nowMs, random).map((task) => {
      const { name } = task.template.input;
      const templateId = templateIds.get(name);
      if (!templateId) throw new Error(`The sample has no template ${name}`);
      return { ...task, templateId };
    }),
    apiUrl: stack.url,
    region,
    agentVersion: '0.1.0',
  });
  client.destroy();

  const { id: templateId } = await call(endpoints.templates.create, templateWithoutRunner, within);
  await call(startTask, { templateId }, within);
  return isSetUp ? undefined : { email, password };
};
