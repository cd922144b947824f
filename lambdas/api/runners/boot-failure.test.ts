import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import * as z from 'zod';
import { type RunnerStatus, task } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { unique } from '../../../test/unique.ts';
import type { IdentifyCaller } from '../../adapters/runners/caller-identity.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { fleetsText } from '../../core/fleets/fleets.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

const { fleets } = fleetsText.parse({
  stack: 'Reveille',
  fleets: [
    {
      name: 'dublin',
      region: 'eu-west-1',
      instanceTypes: ['t4g.small'],
      idleTimeoutMs: 0,
      maxInstances: 100,
    },
  ],
});

/** Accepts any session token; infra/boot-failure.test.ts and fleets.test.ts test real signatures. */
const identifyCaller: IdentifyCaller = async ({ sessionToken }, subject) =>
  subject === 'x-reveille-boot-failure' && sessionToken !== 'forged'
    ? {
        ok: true,
        identity: { account: '000000000000', roleName: 'Reveille-dublin', sessionName: sessionToken },
      }
    : { ok: false, code: 'refused', detail: 'STS does not accept the signature.' };

let table: TestTable;
let api: ApiFixture;
let project: `prj_${string}`;
let settled: string[];
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table, {
    fleets,
    identifyCaller,
    settlePowerSoon: async ({ id }) => void settled.push(id),
  });
});
afterAll(() => table?.close());
beforeEach(async () => {
  settled = [];
  project = z
    .object({ id: z.custom<`prj_${string}`>() })
    .parse(await api.call('POST', '/api/projects', { name: unique('Boots') })).id;
});

let instances = 0;
/** A runner whose instance was just launched. */
const aLaunched = async () => {
  const made = z
    .object({ items: z.array(z.object({ id: z.string() })) })
    .parse(await api.call('POST', `/api/projects/${project}/runners`, { name: 'one', fleet: 'dublin' }));
  const runner = await api.deps.runners.find(project, made.items[0]?.id ?? '');
  if (!runner) throw new Error('none was made');
  const instanceId = `i-${String(++instances).padStart(17, '0')}`;
  const launch = { id: 'lch_1', at: api.deps.now() };
  await api.deps.runners.move(runner, ['stopped'], 'starting', api.deps.now());
  await api.deps.runners.beginLaunch(runner, launch);
  await api.deps.runners.bind(instanceId, runner);
  await api.deps.runners.takeInstance(runner, launch, { instanceId, region: 'eu-west-1' });
  return { id: runner.id, instanceId };
};
const stored = async (id: string): Promise<RunnerRecord> => {
  const found = await api.deps.runners.find(project, id);
  if (!found) throw new Error('it is gone');
  return found;
};
const move = async (id: string, from: RunnerStatus, to: RunnerStatus) =>
  api.deps.runners.move(await stored(id), [from], to, api.deps.now());

let sources = 0;
/** A report that is signed now, from its own address. */
const report = (sessionToken: string, over: object = {}, source = `198.51.100.${++sources}`) =>
  api.request('POST', '/api/agent/boot-failure', {
    token: null,
    headers: { 'x-test-source': source },
    body: {
      step: 'install Node.js and git',
      detail: 'No mirror answers',
      region: 'eu-west-1',
      date: api.deps.now().replaceAll(/[-:]|\.\d+/g, ''),
      sessionToken,
      authorization: `AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
      ...over,
    },
  });

it('counts the start as failed at once, stops the instance, and shows why', async () => {
  const { id, instanceId } = await aLaunched();
  api.pass(60_000);
  expect((await report(instanceId)).status).toBe(204);
  expect(await stored(id)).toMatchObject({
    status: 'stopping',
    failedStarts: 1,
    fault: {
      code: 'boot_failed',
      detail: `The first boot of ${instanceId} failed at "install Node.js and git". Its last lines: No mirror answers`,
    },
  });
  expect(settled).toEqual([id]);
});

it('counts a repeated report once', async () => {
  const { id, instanceId } = await aLaunched();
  api.pass(60_000);
  for (let time = 0; time < 3; time++) expect((await report(instanceId)).status).toBe(204);
  expect((await stored(id)).failedStarts).toBe(1);
  expect(settled).toEqual([id]);
});

it('ignores a report of an earlier start, or of a runner whose agent is online', async () => {
  const { id, instanceId } = await aLaunched();
  const date = api.deps.now().replaceAll(/[-:]|\.\d+/g, '');
  api.pass(60_000);
  await move(id, 'starting', 'stopping');
  await move(id, 'stopping', 'starting');
  expect((await report(instanceId, { date })).status).toBe(204);
  expect(await stored(id)).toMatchObject({ status: 'starting' });
  await move(id, 'starting', 'online');
  api.pass(60_000);
  expect((await report(instanceId)).status).toBe(204);
  const after = await stored(id);
  expect(after).toMatchObject({ status: 'online' });
  expect(after.fault).toBeUndefined();
  expect(settled).toEqual([]);
});

it('quarantines the runner at the third failure, and shows why at a waiting task', async () => {
  const { id, instanceId } = await aLaunched();
  for (let time = 1; time <= 3; time++) {
    api.pass(60_000);
    expect((await report(instanceId)).status).toBe(204);
    if (time < 3) await move(id, 'stopping', 'starting');
  }
  expect((await stored(id)).quarantinedAt).toBeDefined();
  const templateId = await api.make(`/api/projects/${project}/templates`, {
    name: 'T',
    app: 'bash',
    script: 'true',
  });
  const waiting = task.parse(await api.call('POST', `/api/projects/${project}/tasks`, { templateId }));
  expect(waiting.reason).toContain('failed at "install Node.js and git". Its last lines: No mirror answers');
});

it('rejects a report without a proof, waits for an unrecorded launch, and limits guesses', async () => {
  expect((await report('forged')).status).toBe(401);
  expect((await report('i-0bbbbbbbbbbbbbbbb')).status).toBe(409);
  expect((await report('forged', { detail: 'x'.repeat(1001) })).status).toBe(422);
  expect((await report('forged', { step: 'a\nb' })).status).toBe(422);
  const statuses = [];
  for (let time = 0; time < 31; time++) statuses.push((await report('forged', {}, '203.0.113.7')).status);
  expect(statuses.slice(29)).toEqual([401, 429]);
});
