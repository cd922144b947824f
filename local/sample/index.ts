/**
 * `npm start -- --sample`: a believable project with a week of history. Creates the configuration through the
 * API, then replays the past with the product's own flows.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { keys, openTable } from '../../lambdas/adapters/table.ts';
import { integrations } from '../../protocol/endpoints/integrations.ts';
import { acceptInvitation, createInvitation, getSetupState, setUp } from '../../protocol/endpoints/people.ts';
import { createProject } from '../../protocol/endpoints/projects.ts';
import * as endpoints from '../../protocol/endpoints/resources.ts';
import { projectRunners } from '../../protocol/endpoints/runners.ts';
import { schedules } from '../../protocol/endpoints/schedules.ts';
import { startTask } from '../../protocol/endpoints/tasks.ts';
import { createdRunner, type TemplateId, toInstant } from '../../protocol/index.ts';
import type { LocalStack } from '../stack.ts';
import { openApi } from './api-client.ts';
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
} from './seed-data.ts';

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
  const { ask } = openApi(stack.url, stack.adminToken ?? '');
  const { id: projectId } = await ask(createProject, { body: { name: projectName } });
  const params = { projectId };
  const made = [];
  for (const { instanceType, name, tags, maxParallelTasks } of runners) {
    const instanceId = stack.ec2.createStoppedInstance({ instanceType });
    const body = { name, tags, maxParallelTasks, instanceId };
    const answer = createdRunner.parse(await ask(projectRunners.create, { params, body }));
    writeFileSync(join(stack.ec2.diskOf(instanceId), 'runner.json'), JSON.stringify(answer), { mode: 0o600 });
    made.push({ id: answer.runner.id, instanceType });
  }
  const templateIds = new Map<string, TemplateId>();
  const { id: inventoryId } = await ask(endpoints.inventories.create, { params, body: inventory });
  await ask(endpoints.environments.create, { params, body: environment });
  await ask(endpoints.keys.create, { params, body: key });
  const { id: repositoryId } = await ask(endpoints.repositories.create, { params, body: repository });
  for (const { input, hasInventory, commits } of templates) {
    const body = { ...input, ...(hasInventory && { inventoryId }), ...(commits && { repositoryId }) };
    const { id, name } = await ask(endpoints.templates.create, { params, body });
    templateIds.set(name, id);
  }

  const startedBy = ({ template, input }: { template: string; input: object }) => ({
    ...input,
    templateId: templateIds.get(template),
  });
  const { id: scheduleId } = await ask(schedules.create, { params, body: startedBy(schedule) });
  await ask(integrations.create, { params, body: startedBy(integration) });

  const { isSetUp } = await ask(getSetupState, {});
  const [{ name, email }] = members;
  if (!isSetUp) await ask(setUp, { body: { name, email, password } });
  const people = [];
  for (const { name, email, role } of members) {
    const { token } = await ask(createInvitation, { params, body: { email, role } });
    people.push(await ask(acceptInvitation, { body: { token, name, password } }));
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

  const { id: templateId } = await ask(endpoints.templates.create, { params, body: templateWithoutRunner });
  await ask(startTask, { params, body: { templateId } });
  return isSetUp ? undefined : { email, password };
};
