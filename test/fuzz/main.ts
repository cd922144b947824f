/**
 * `npm run fuzz:api`: makes right and wrong requests from the OpenAPI document, against the whole API over a
 * real table in this process. No response may be a 5xx, have a status that its operation does not declare, or
 * break its declared schema.
 */
import { Command } from 'commander';
import fc from 'fast-check';
import { badPublicKeys } from '../../lambdas/api/testing/bad-keys.ts';
import { type ApiFixture, openApiFixture } from '../../lambdas/api/testing/fixture.ts';
import { openTwoProjects } from '../../lambdas/api/testing/two-projects.ts';
import { wholeNumber } from '../arguments.ts';
import { openTestTable } from '../dynamodb.ts';
import { type Answer, makeChecker } from './check.ts';
import { documentSchema, operationsOf, resolverOf } from './document.ts';
import { makePool, type Pool } from './pool.ts';
import { type Credentials, type FuzzRequest, requestOf } from './request.ts';

const program = new Command('npm run fuzz:api --')
  .description(
    'Sends requests made from the OpenAPI document, right and wrong, and fails on any answer that breaks it.',
  )
  .option('--requests <number>', 'how many', wholeNumber(1), 20_000)
  .option('--seed <number>', 'of what is drawn', wholeNumber(1), 1 + (Date.now() % 1_000_000))
  .option('--operation <id>', 'this one alone, by its operationId')
  .parse();
const {
  requests,
  seed,
  operation: only,
} = program.opts<{
  requests: number;
  seed: number;
  operation?: string;
}>();
/** After this number a fixture is worn out: its projects are removed, its tokens revoked. */
const requestsPerFixture = 1000;
const failuresShown = 20;

const kinds = [
  'templates',
  'inventories',
  'repositories',
  'environments',
  'keys',
  'schedules',
  'integrations',
  'runners',
  'tasks',
  'deliveries',
];

/** A template that chance alone seldom makes: complete, and with variables. */
const playbook = {
  name: 'Playbook',
  app: 'ansible',
  script: '- hosts: all',
  ansible: { extraVars: { release: 3, isCanary: false, ratio: 0.5 } },
};

/** Makes two busy projects, with all their ids and secrets in the pool. */
const openFreshFixture = async (api: ApiFixture, pool: Pool): Promise<Credentials> => {
  const fixture = await openTwoProjects(api);
  for (const one of [fixture.mine, fixture.theirs]) {
    const { base, id, lease } = one;
    pool.add(id, id);
    pool.addValue('lease', lease);
    const { templateId } = one;
    for (const [kind, body] of [
      ['repositories', { name: 'R', url: 'https://example.org/a.git' }],
      ['environments', { name: 'E', variables: { A: '1' } }],
      ['schedules', { name: 'S', templateId, cron: '0 3 * * *' }],
      ['schedules', { name: 'Off', templateId, cron: '*/5 * * * *', active: false }],
      ['integrations', { name: 'I', templateId }],
      ['integrations', { name: 'Another', templateId }],
    ] as const) {
      pool.harvest(await api.call('POST', `${base}/${kind}`, body), id);
    }
    pool.harvest(await api.call('POST', `${base}/templates`, playbook), id);
    for (const kind of kinds) pool.harvest(await api.call('GET', `${base}/${kind}`), id);
  }
  for (const operationId of ['createTemplate', 'replaceTemplate']) pool.addBody(operationId, playbook);
  const { mine, theirs, registration, answers, publicKey } = fixture;
  for (const cron of ['0 3 * * *', '*/15 9-17 * * 1-5', '30 2 29 2 *', '0 0 1 * *'])
    pool.addValue('cron', cron);
  for (const zone of ['UTC', 'Europe/Berlin', 'Australia/Lord_Howe']) pool.addValue('timeZone', zone);
  for (const answer of Object.values(answers)) pool.addValue('answer', answer);
  for (const bad of Object.values(badPublicKeys)) {
    for (const key of [publicKey, bad]) pool.addValue('publicKey', key);
  }
  return {
    byScheme: {
      apiToken: [api.adminToken],
      runnerToken: [mine.busy.token, theirs.busy.token],
      agentSession: [mine.session, theirs.session],
      registrationToken: [registration.fresh],
    },
    others: [mine.busy.token, mine.session, mine.lease],
  };
};

const send = async (api: ApiFixture, { method, path, headers, body }: FuzzRequest): Promise<Answer> => {
  const response = await api.app.request(path, { method, headers, body });
  return {
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    text: await response.text(),
  };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const failures = new Map<string, { request: FuzzRequest; answer: Answer; times: number }>();
const statuses = new Map<number, number>();
/** Number of requests and of successes, by operation. */
const outcomes = new Map<string, { asked: number; succeeded: number }>();
const logged: string[] = [];

const readDocument = async (api: ApiFixture) => {
  const document = documentSchema.parse(parsed(await (await api.app.request('/api/openapi.json')).text()));
  const all = operationsOf(document).filter(({ operationId }) => only === undefined || operationId === only);
  if (all.length === 0) program.error(`error: the document has no operation ${only}`);
  return { all, resolve: resolverOf(document), check: makeChecker(document) };
};
let known: Awaited<ReturnType<typeof readDocument>> | undefined;

/** Makes `times` requests with a new fixture. */
const fuzzFixture = async (fixtureSeed: number, times: number): Promise<void> => {
  const table = await openTestTable();
  // No request leaves this process.
  const begun = { url: 'https://example.org/', checks: { state: 's', nonce: 'n', verifier: 'v' } };
  const api = await openApiFixture(table, {
    oidc: { begin: async () => begun, finish: async () => undefined },
  });
  known ??= await readDocument(api);
  const { all, resolve, check } = known;
  const pool = makePool(new Set([api.adminToken.split('.')[0] ?? '']));
  const credentials = await openFreshFixture(api, pool);
  const choices = fc.sample(fc.tuple(fc.noBias(fc.nat(all.length - 1)), fc.nat()), {
    seed: fixtureSeed,
    numRuns: times,
  });
  for (const [chosen, requestSeed] of choices) {
    const operation = all[chosen];
    if (!operation) throw new Error('There is no such operation.');
    const made = requestOf(operation, pool, resolve, credentials);
    const [request] = fc.sample(made, { seed: requestSeed, numRuns: 1 });
    if (!request) throw new Error('There is no such request.');
    const answer = await send(api, request);
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    const isSuccess = answer.status < 400;
    const { asked, succeeded } = outcomes.get(operation.operationId) ?? { asked: 0, succeeded: 0 };
    outcomes.set(operation.operationId, { asked: asked + 1, succeeded: succeeded + Number(isSuccess) });
    if (isSuccess) {
      if (request.body !== undefined) pool.addBody(operation.operationId, parsed(request.body));
      pool.harvest(parsed(answer.text), /\/api\/projects\/(prj_\w+)/.exec(request.path)?.[1]);
    }
    const wrong = check(operation, answer);
    if (wrong === undefined) continue;
    const name = `${operation.operationId} ${wrong}`;
    const before = failures.get(name);
    failures.set(name, { request: before?.request ?? request, answer, times: (before?.times ?? 0) + 1 });
  }
  for (const { message, about } of api.logged) {
    if (message === 'Request failed') logged.push(JSON.stringify(about));
  }
  await table.close();
};

const startedAt = performance.now();
for (let done = 0; done < requests; done += requestsPerFixture) {
  await fuzzFixture(seed + done, Math.min(requestsPerFixture, requests - done));
}

const seconds = (performance.now() - startedAt) / 1000;
const byStatus = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`);
console.log(
  `${requests} requests to ${known?.all.length} operations in ${seconds.toFixed(0)} s, seed ${seed}. By status: ${byStatus.join(', ')}.`,
);
const counted = (known?.all ?? []).map(({ operationId }) => ({
  operationId,
  ...(outcomes.get(operationId) ?? { asked: 0, succeeded: 0 }),
}));
const ever = counted
  .filter(({ succeeded }) => succeeded > 0)
  .map(({ operationId, asked, succeeded }) => `${operationId} ${succeeded}/${asked}`);
const never = counted.filter(({ succeeded }) => succeeded === 0).map(({ operationId }) => operationId);
console.log(`Succeeded: ${ever.join(', ')}.`);
console.log(`Never succeeded: ${never.length === 0 ? 'none' : never.join(', ')}.`);
for (const [name, { request, answer, times }] of [...failures].slice(0, failuresShown)) {
  console.log(
    `\n✗ ${name} (${times} times)\n  ${JSON.stringify(request).slice(0, 1500)}\n  ${answer.text.slice(0, 500)}`,
  );
}
for (const about of logged.slice(0, failuresShown)) console.log(`\nRequest failed: ${about.slice(0, 1500)}`);
console.log(failures.size === 0 ? 'No violation.' : `${failures.size} kinds of violations.`);
process.exitCode = failures.size === 0 ? 0 : 1;
