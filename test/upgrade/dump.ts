/**
 * `npm run upgrade:dump`: writes the data that a stack of this version leaves behind to
 * `test/upgrade/<version>`. Run it once per release. It makes the sample project and one item of every other
 * kind, and stops the stack in the middle of its work. It keeps the table and the files beside it: the key of
 * KMS's stand-in, and the instances with their agents' configs.
 */
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Command } from 'commander';
import { Secret, TOTP } from 'otpauth';
import * as z from 'zod';
import { newId } from '../../lambdas/adapters/ids.ts';
import { sessionStore } from '../../lambdas/adapters/runners/sessions.ts';
import { openTable, type Table } from '../../lambdas/adapters/table.ts';
import { circuitStore } from '../../lambdas/adapters/webhooks/circuits.ts';
import { clientId, clientSecret, startProvider } from '../../lambdas/api/testing/oidc-provider.ts';
import { makeSample } from '../../local/sample/index.ts';
import { seeded } from '../../local/seeded.ts';
import { type LocalStack, startStack } from '../../local/stack.ts';
import { type ProjectId, type RunnerId, toInstant } from '../../protocol/index.ts';
import { version } from '../../protocol/version.ts';
import { apiClient, type Client, installAgent, until } from '../client.ts';
import { scanTable, writeItems } from './items.ts';

const password = 'a password of the dump';
const sampleSeed = 1;
const identified = z.looseObject({ id: z.string() });

new Command('npm run upgrade:dump --')
  .description(`Writes test/upgrade/${version}: a stack of this version in the middle of its work.`)
  .parse();
const target = join(import.meta.dirname, version);
if (existsSync(target)) {
  console.error(`${target} is there already: a dump of a release is made once.`);
  process.exit(1);
}

/** Creates configuration of every kind. */
const configure = async (api: Client, projectId: ProjectId): Promise<void> => {
  const within = `/api/projects/${projectId}`;
  const make = async (path: string, body: object) => identified.parse(await api.call('POST', path, body));
  const { privateKey } = generateKeyPairSync('ed25519');
  const ssh = await make(`${within}/keys`, {
    name: 'Deploy',
    secret: { type: 'ssh', login: 'deploy', privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) },
  });
  const hook = await make(`${within}/keys`, { name: 'Hook', secret: { type: 'string', value: 'hush-hush' } });
  await make(`${within}/keys`, { name: 'None', secret: { type: 'none' } });
  const environment = await make(`${within}/environments`, {
    name: 'Staging',
    variables: { STAGE: 'staging' },
    secrets: { TOKEN: 'a-secret-of-the-dump' },
    secretFiles: { CERTIFICATE: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' },
  });
  const repository = await make(`${within}/repositories`, {
    name: 'Infrastructure',
    url: 'git@git.shop.example:platform/infrastructure.git',
    keyId: ssh.id,
  });
  const inventory = await make(`${within}/inventories`, {
    name: 'Staging hosts',
    type: 'static-yaml',
    content: 'all:\n  hosts:\n    web-1.staging:\n',
    keyId: ssh.id,
    tag: 'staging',
  });
  await make(`${within}/inventories`, { name: 'From the repository', type: 'file', path: 'hosts.ini' });
  await make(`${within}/templates`, {
    name: 'Converge staging',
    app: 'ansible',
    path: 'site.yml',
    repositoryId: repository.id,
    inventoryId: inventory.id,
    environmentId: environment.id,
    ansible: { limit: 'all', tags: ['web'], check: true, extraVars: { release: 3, isCanary: false } },
    arguments: ['--forks', '5'],
  });
  await make(`${within}/templates`, {
    name: 'Plan the network',
    app: 'terraform',
    path: 'network',
    repositoryId: repository.id,
    terraform: { action: 'plan', workspace: 'staging', backendConfig: { key: 'network' } },
  });
  const asked = await make(`${within}/templates`, {
    name: 'Greet',
    app: 'bash',
    script: 'echo "Hello $WHO"',
    environmentId: environment.id,
    survey: [
      { name: 'WHO', title: 'Who', type: 'string', default: 'world' },
      { name: 'TIMES', title: 'How often', type: 'int', default: 1 },
      { name: 'PIN', title: 'PIN', type: 'secret' },
    ],
  });
  await make(`${within}/schedules`, {
    name: 'Greet on Mondays',
    templateId: asked.id,
    cron: '0 9 * * 1',
    timeZone: 'Europe/Berlin',
    survey: { WHO: 'Monday', PIN: '1234' },
  });
  const integration = z.looseObject({ id: z.string(), url: z.string() }).parse(
    await api.call('POST', `${within}/integrations`, {
      name: 'Greet by webhook',
      templateId: asked.id,
      matchers: [{ source: { from: 'body', pointer: '/hello' }, operator: 'exists' }],
      variables: [{ variable: 'WHO', source: { from: 'body', pointer: '/hello' } }],
    }),
  );
  await make(`${within}/integrations`, {
    name: 'Greet by GitHub',
    templateId: asked.id,
    auth: { type: 'github', keyId: hook.id },
  });
  for (const body of ['{"hello":"webhook"}', '{"bye":"webhook"}']) {
    const headers = { 'content-type': 'application/json', 'x-github-delivery': body };
    await fetch(integration.url, { method: 'POST', headers, body });
  }
  await make(`${within}/invitations`, { email: 'margaret@shop.example', role: 'manager' });
  await make(`${within}/registration-tokens`, { tags: ['on-premises'], uses: 3 });
  await make(`${within}/api-tokens`, { name: 'Pipeline', role: 'task_runner' });
  await make('/api/registration-tokens', {});
  await make('/api/api-tokens', { name: 'Operations' });
};

/** Starts work of every state: ended, running, and waiting for a runner, a limit or a booting machine. */
const work = async (stack: LocalStack, api: Client, projectId: ProjectId): Promise<void> => {
  const addRunner = async (owner: ProjectId | undefined, name: string, tags: string[]) => {
    const instanceId = stack.ec2.createStoppedInstance();
    const made = await api.createRunner(owner, { name, tags, instanceId, maxParallelTasks: 1 });
    installAgent(stack.ec2.diskOf(instanceId), made);
  };
  await addRunner(projectId, 'dump-1', ['dump']);
  await addRunner(undefined, 'global-1', []);
  for (const fleet of ['local', 'local-spot']) {
    await api.call('POST', `/api/projects/${projectId}/runners`, { name: fleet, fleet, tags: [fleet] });
  }
  const template = (name: string, more: object) =>
    api.createTemplate(projectId, { name, app: 'bash', script: 'true', ...more });
  const start = async (name: string, more: object) =>
    api.startTask(projectId, (await template(name, more)).id);
  const hasEnded = (id: `tsk_${string}`) =>
    until(`${id} has ended`, 120_000, async () =>
      ['success', 'error'].includes((await api.getTask(projectId, id)).status),
    );
  for (const tag of ['dump', 'local']) await hasEnded((await start(`Ends on ${tag}`, { tag })).id);
  const long = await start('Runs', { tag: 'dump', script: 'echo "It runs"; sleep 600' });
  await until('it runs', 120_000, async () => (await api.getTask(projectId, long.id)).status === 'running');
  await start('Waits for a slot', { tag: 'dump' });
  const single = await template('One at a time', { tag: 'dump', maxParallelTasks: 1 });
  for (const _ of [1, 2]) await api.startTask(projectId, single.id);
  await start('Waits for a runner of its tag', { tag: 'nowhere' });
  const instanceId = stack.ec2.createStoppedInstance();
  const hook = identified
    .extend({ url: z.string() })
    .parse(await stack.invoke('SemaphoreSetup', { action: 'create', instanceId }));
  const body = JSON.stringify({ action: 'start', project_id: 1, task_id: 7, template_id: 3, runner_id: 4 });
  await fetch(hook.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  await stack.invoke('RotateSecrets', {});
};

/** Signs in a user with an authenticator, and sets up a sign-in provider for the others. */
const people = async (stack: LocalStack, api: Client, email: string): Promise<() => void> => {
  const headers = { 'content-type': 'application/json', origin: stack.url, 'x-reveille-csrf': '1' };
  const send = async (method: string, path: string, body: object, cookie = '') => {
    const request = { method, headers: { ...headers, cookie }, body: JSON.stringify(body) };
    const response = await fetch(`${stack.url}${path}`, request);
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
    return response;
  };
  const login = await send('POST', '/api/login', { email, password });
  const cookie = login.headers
    .getSetCookie()
    .map((line) => line.replace(/;.*/, ''))
    .join('; ');
  const offered = await send('POST', '/api/me/totp', { password }, cookie);
  const { secret } = z.object({ secret: z.string() }).parse(await offered.json());
  const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
  await send('PUT', '/api/me/totp', { code }, cookie);

  const provider = await startProvider(`${stack.url}/api/sign-in-provider/callback`, {});
  const { issuer } = provider;
  await api.call('PUT', '/api/sign-in-provider', { name: 'Company account', issuer, clientId, clientSecret });
  return provider.stop;
};

/** Adds items that only days of use or failures write: through the stores, like the sample's history. */
const age = async (table: Table, projectId: ProjectId, runnerId: RunnerId): Promise<void> => {
  const at = (hoursAgo: number) => toInstant(Date.now() - hoursAgo * 3_600_000);
  await sessionStore(table).put({
    id: newId('ses', at(60)),
    projectId,
    runnerId,
    instanceId: 'i-0123456789abcdef0',
    instanceType: 't4g.small',
    region: 'us-east-1',
    startedAt: at(60),
    onlineAt: at(59.9),
    endedAt: at(20),
    busyMs: 3_600_000,
  });
  for (let failures = 0; failures < 10; failures += 1)
    await circuitStore(table).failed('https://hooks.shop.example/wake', toInstant(Date.now()));
};

const dataDir = mkdtempSync(join(tmpdir(), 'reveille-dump-'));
const stack = await startStack({ dataDir });
try {
  const adminToken = stack.adminToken ?? '';
  const api = apiClient(stack.url, adminToken);
  const signIn = await makeSample({ stack, nowMs: Date.now(), random: seeded(sampleSeed), password });
  const projects = z
    .object({ items: z.array(z.looseObject({ id: z.custom<ProjectId>(), name: z.string() })) })
    .parse(await api.call('GET', '/api/projects'));
  const [project] = projects.items;
  if (!project) throw new Error('The sample has no project.');
  await configure(api, project.id);
  await api.call('PUT', `/api/projects/${project.id}`, { name: project.name, maxParallelTasks: 50 });
  const stopProvider = await people(stack, api, signIn?.email ?? '');
  await work(stack, api, project.id);

  const { endpoint, region, credentials, tableName } = stack.operator;
  const client = new DynamoDBClient({ endpoint, region, credentials });
  const [oldest] = z
    .object({ items: z.array(z.looseObject({ id: z.custom<RunnerId>() })) })
    .parse(await api.call('GET', `/api/projects/${project.id}/runners`)).items;
  if (!oldest) throw new Error('The sample has no runner.');
  await age(openTable(tableName, client), project.id, oldest.id);
  await stack.invoke('Reconcile', {});
  const items = await scanTable(client, tableName);
  client.destroy();
  await stopProvider();
  mkdirSync(target, { recursive: true });
  writeItems(join(target, 'table.jsonl.gz'), items);
  for (const path of ['instances.json', join('kms', 'keys.json')]) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(join(dataDir, path), join(target, path));
  }
  for (const { id } of stack.ec2.list()) {
    const config = join(stack.ec2.diskOf(id), 'runner.json');
    const copy = join(target, config.slice(dataDir.length));
    if (!existsSync(config)) continue;
    mkdirSync(dirname(copy), { recursive: true });
    cpSync(config, copy);
  }
  writeFileSync(
    join(target, 'access.json'),
    `${JSON.stringify({ url: stack.url, projectId: project.id, adminToken, ...signIn, password }, undefined, 2)}\n`,
  );
  console.log(`${target}: ${items.length} items.`);
} finally {
  await stack.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
