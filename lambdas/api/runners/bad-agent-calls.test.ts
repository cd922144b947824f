/** Wrong calls by agents: each gets its own status and code, and leaves every item of the table unchanged. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maxChunkLength } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { newId } from '../../adapters/ids.ts';
import { badPublicKeys } from '../testing/bad-keys.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';
import {
  dumpUncounted,
  expectRefusal,
  ofMebibytes,
  openTwoProjects,
  post,
  type Row,
  type TwoProjects,
} from '../testing/two-projects.ts';

let table: TestTable;
let api: ApiFixture;
let fixture: TwoProjects;
beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  fixture = await openTwoProjects(api);
});
afterAll(() => table?.close());

const aChunk = (text = 'x') => ({
  seq: 0,
  entries: [{ at: '2026-03-01T12:00:00.000Z', stream: 'stdout', text }],
});
const agent = (call: string, body: unknown, token: string | undefined) =>
  post(`/api/agent/${call}`, body, token);
const agentId = '1b4e28ba-2fa1-4d2a-883f-0016d3cca427';
const beat = { agentVersion: '1', tasks: [] };
const ended = (lease: string) => ({ lease, status: 'success', logChunks: 0 });
const registerAs = (publicKey: string, fields: object = {}) => ({ name: 'New', publicKey, ...fields });

const agents: readonly Row[] = [
  ['a challenge for nobody', 401, 'unauthenticated', () => ['POST', '/api/agent/challenge', { token: null }]],
  ['a challenge for a person', 401, 'unauthenticated', () => ['POST', '/api/agent/challenge']],
  [
    "a challenge with another runner's secret",
    401,
    'unauthenticated',
    (w) => {
      const [pool, id] = w.mine.busy.token.split('.');
      return agent('challenge', undefined, `${pool}.${id}.${w.theirs.busy.token.split('.')[2]}`);
    },
  ],
  [
    "a runner's token moved to another project",
    401,
    'unauthenticated',
    (w) => {
      const [, id, secret] = w.mine.busy.token.split('.');
      return agent('challenge', undefined, `${w.theirs.id}.${id}.${secret}`);
    },
  ],
  [
    'an answer that is none',
    401,
    'wrong_answer',
    (w) => agent('credentials', { answer: 'x', agentVersion: '1', agentId }, w.mine.busy.token),
  ],
  [
    'an answer that nobody asked for',
    401,
    'wrong_answer',
    (w) => agent('credentials', { answer: w.answers.forged, agentVersion: '1', agentId }, w.mine.busy.token),
  ],
  [
    'an answer an hour late',
    401,
    'wrong_answer',
    (w) => agent('credentials', { answer: w.answers.late, agentVersion: '1', agentId }, w.mine.busy.token),
  ],
  [
    "another runner's answer",
    401,
    'wrong_answer',
    (w) => agent('credentials', { answer: w.answers.theirs, agentVersion: '1', agentId }, w.mine.busy.token),
  ],
  [
    'a session for an answer',
    401,
    'wrong_answer',
    (w) => agent('credentials', { answer: w.mine.session, agentVersion: '1', agentId }, w.mine.busy.token),
  ],
  [
    'a registration without a token',
    401,
    'registration_token_used',
    (w) => ['POST', '/api/agent/register', { token: null, body: registerAs(w.publicKey) }],
  ],
  [
    'a registration by an API token',
    401,
    'registration_token_used',
    (w) => agent('register', registerAs(w.publicKey), undefined),
  ],
  [
    'a registration token that is spent',
    401,
    'registration_token_used',
    (w) => agent('register', registerAs(w.publicKey), w.registration.spent),
  ],
  [
    'a registration token of another project',
    401,
    'registration_token_used',
    (w) => agent('register', registerAs(w.publicKey), w.registration.fresh.replace(w.mine.id, w.theirs.id)),
  ],
  [
    'a public key that is none',
    422,
    'invalid_request',
    (w) => agent('register', registerAs('-----BEGIN PUBLIC KEY-----'), w.registration.fresh),
  ],
  ...Object.entries(badPublicKeys).map(
    ([name, pem]): Row => [
      `as a public key ${name}`,
      422,
      'invalid_request',
      (w) => agent('register', registerAs(pem), w.registration.fresh),
    ],
  ),
  [
    'a registration that asks for tags',
    422,
    'invalid_request',
    (w) => agent('register', registerAs(w.publicKey, { tags: ['prod'] }), w.registration.fresh),
  ],
  [
    'a registration with an instance that is taken',
    409,
    'instance_taken',
    (w) =>
      agent('register', registerAs(w.publicKey, { instanceId: 'i-0123456789abcdef1' }), w.registration.fresh),
  ],
  ['a session that is over', 401, 'session_expired', (w) => agent('heartbeat', beat, w.sessions.expired)],
  ['a session by another key', 401, 'unauthenticated', (w) => agent('heartbeat', beat, w.sessions.forged)],
  [
    "a runner's token for a session",
    401,
    'unauthenticated',
    (w) => agent('heartbeat', beat, w.mine.busy.token),
  ],
  ['a lease for a session', 401, 'unauthenticated', (w) => agent('heartbeat', beat, w.mine.lease)],
  [
    'a heartbeat without a version',
    422,
    'invalid_request',
    (w) => agent('heartbeat', { tasks: [] }, w.mine.session),
  ],
  ['a claim of nothing', 422, 'invalid_request', (w) => agent('claim', {}, w.mine.session)],
  [
    'a claim of an id that is none',
    422,
    'invalid_request',
    (w) => agent('claim', { projectId: w.mine.id, taskId: '7' }, w.mine.session),
  ],
  [
    'a claim beyond the last slot',
    409,
    'try_later',
    (w) => agent('claim', { projectId: w.mine.id, taskId: w.mine.waiting.id }, w.mine.session),
  ],
  [
    'a lease that is over, for a log',
    409,
    'lease_expired',
    (w) => agent('log', { lease: w.leases.expired, chunks: [aChunk()] }, w.mine.session),
  ],
  [
    "another runner's lease, for a log",
    409,
    'lease_lost',
    (w) => agent('log', { lease: w.theirs.lease, chunks: [aChunk()] }, w.mine.session),
  ],
  [
    'a lease by another key',
    409,
    'lease_lost',
    (w) => agent('log', { lease: w.leases.forged, chunks: [aChunk()] }, w.mine.session),
  ],
  [
    'a session for a lease',
    409,
    'lease_lost',
    (w) => agent('log', { lease: w.mine.session, chunks: [aChunk()] }, w.mine.session),
  ],
  [
    'a log of no chunk',
    422,
    'invalid_request',
    (w) => agent('log', { lease: w.mine.lease, chunks: [] }, w.mine.session),
  ],
  [
    'a chunk that is too long',
    422,
    'invalid_request',
    (w) =>
      agent('log', { lease: w.mine.lease, chunks: [aChunk('x'.repeat(maxChunkLength + 1))] }, w.mine.session),
  ],
  [
    'a log over 4 MiB',
    413,
    'body_too_large',
    (w) => agent('log', { lease: w.mine.lease, chunks: [aChunk(ofMebibytes(4))] }, w.mine.session),
  ],
  [
    'a lease that is over, for an end',
    409,
    'lease_expired',
    (w) => agent('finish', ended(w.leases.expired), w.mine.session),
  ],
  [
    "another runner's lease, for an end",
    409,
    'lease_lost',
    (w) => agent('finish', ended(w.theirs.lease), w.mine.session),
  ],
  [
    "another attempt's lease, for an end",
    409,
    'lease_lost',
    (w) => agent('finish', ended(w.leases.older), w.mine.session),
  ],
  [
    'an end that is none',
    422,
    'invalid_request',
    (w) => agent('finish', { ...ended(w.mine.lease), status: 'running' }, w.mine.session),
  ],
  [
    'a runner that leaves with a task',
    409,
    'in_use',
    (w) => agent('unregister', undefined, w.mine.busy.token),
  ],
];

describe('a wrong agent call', () => {
  it.each(agents)('is refused without a change: %s: %i %s', (...row) =>
    expectRefusal(table, api, fixture, row),
  );
});

describe('a wrong claim', () => {
  /** A claim takes a slot before it reads the task; returning the slot leaves only a higher write count. */
  const withoutCounts = (items: readonly Record<string, unknown>[]) =>
    items.map(({ version: _, leaseUntil: __, idleSince: ___, busyMs: ____, claims: _____, ...rest }) => rest);

  it.each<readonly [string, (w: TwoProjects) => { projectId: string; taskId: string }]>([
    ['a task of another project', (w) => ({ projectId: w.theirs.id, taskId: w.theirs.waiting.id })],
    [
      "another project's task under one's own",
      (w) => ({ projectId: w.mine.id, taskId: w.theirs.waiting.id }),
    ],
    ['a task of another tag', (w) => ({ projectId: w.mine.id, taskId: w.mine.waiting.id })],
    ['a task that has ended', (w) => ({ projectId: w.mine.id, taskId: w.mine.ended.id })],
    ['a task that runs elsewhere', (w) => ({ projectId: w.mine.id, taskId: w.mine.running.id })],
    ['a task that never was', (w) => ({ projectId: w.mine.id, taskId: newId('tsk') })],
  ])('is refused without a change of the task: %s: 409 not_claimable', async (_name, claim) => {
    const before = withoutCounts(await dumpUncounted(table));
    const call = { body: claim(fixture), token: fixture.mine.idleSession };
    expect(await api.refused('POST', '/api/agent/claim', call)).toMatchObject({
      status: 409,
      code: 'not_claimable',
    });
    expect(withoutCounts(await dumpUncounted(table))).toEqual(before);
  });
});

describe('a registration token after its time', () => {
  it('is refused and unchanged', async () => {
    api.pass(3_600_001);
    const before = await dumpUncounted(table);
    const call = { body: registerAs(fixture.publicKey), token: fixture.registration.expired };
    expect(await api.refused('POST', '/api/agent/register', call)).toMatchObject({
      status: 401,
      code: 'registration_token_used',
    });
    expect(await dumpUncounted(table)).toEqual(before);
    api.pass(-3_600_001);
  });
});
