/**
 * `npm start -- --sample`: a believable project with a week of history. Creates the configuration through the
 * API, then replays the past with the product's own flows.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { keys, openTable } from '../../lambdas/adapters/table.ts';
import {
  createdRunner,
  inventory as inventorySchema,
  newInvitation,
  project,
  repository as repositorySchema,
  schedule as scheduleSchema,
  setupState,
  type TemplateId,
  template as templateSchema,
  toInstant,
  user,
} from '../../protocol/index.ts';
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

const projectName = 'Web shop';

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
  const call = async (path: string, body: unknown): Promise<unknown> => {
    const response = await fetch(`${stack.url}/api/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`The sample cannot be made: POST ${path}: ${await response.text()}`);
    return response.json();
  };

  const { id: projectId } = project.parse(await call('projects', { name: projectName }));
  const within = `projects/${projectId}`;
  const made = [];
  for (const { instanceType, name, tags, maxParallelTasks } of runners) {
    const instanceId = stack.ec2.createStoppedInstance({ instanceType });
    const answer = createdRunner.parse(
      await call(`${within}/runners`, { name, tags, maxParallelTasks, instanceId }),
    );
    writeFileSync(join(stack.ec2.diskOf(instanceId), 'runner.json'), JSON.stringify(answer), { mode: 0o600 });
    made.push({ id: answer.runner.id, instanceType });
  }
  const templateIds = new Map<string, TemplateId>();
  const { id: inventoryId } = inventorySchema.parse(await call(`${within}/inventories`, inventory));
  await call(`${within}/environments`, environment);
  await call(`${within}/keys`, key);
  const { id: repositoryId } = repositorySchema.parse(await call(`${within}/repositories`, repository));
  for (const { input, hasInventory, commits } of templates) {
    const body = { ...input, ...(hasInventory && { inventoryId }), ...(commits && { repositoryId }) };
    const { id, name } = templateSchema.parse(await call(`${within}/templates`, body));
    templateIds.set(name, id);
  }

  const startedBy = (path: string, { template, input }: { template: string; input: object }) =>
    call(`${within}/${path}`, { ...input, templateId: templateIds.get(template) });
  const { id: scheduleId } = scheduleSchema.parse(await startedBy('schedules', schedule));
  await startedBy('integrations', integration);

  const { isSetUp } = setupState.parse(await (await fetch(`${stack.url}/api/setup`)).json());
  const [{ name, email }] = members;
  if (!isSetUp) await call('setup', { name, email, password });
  const people = [];
  for (const { name, email, role } of members) {
    const { token } = newInvitation.parse(await call(`${within}/invitations`, { email, role }));
    people.push(user.parse(await call('invitations/accept', { token, name, password })));
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

  const { id: templateId } = templateSchema.parse(await call(`${within}/templates`, templateWithoutRunner));
  await call(`${within}/tasks`, { templateId });
  return isSetUp ? undefined : { email, password };
};
