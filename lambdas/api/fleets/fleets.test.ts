import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { makeSts } from '../../../local/aws/sts.ts';
import { makeFaults } from '../../../local/gateway/faults.ts';
import { startGateway } from '../../../local/gateway/gateway.ts';
import { type Credentials, makePrincipals } from '../../../local/gateway/principals.ts';
import { countRequests } from '../../../local/gateway/requests.ts';
import { aRole } from '../../../local/testing/fixture.ts';
import {
  createdFleetRunners,
  type EnrollRequest,
  enrollResponse,
  fleet,
  type Runner,
} from '../../../protocol/index.ts';
import { type IdentityOptions, signIdentity } from '../../../runner-agent/host/identity.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { unique } from '../../../test/unique.ts';
import { stsIdentity } from '../../adapters/runners/caller-identity.ts';
import { fleetsText } from '../../core/fleets/fleets.ts';
import { type ApiFixture, openApiFixture } from '../testing/fixture.ts';

const { fleets } = fleetsText.parse({
  stack: 'Reveille',
  fleets: [
    {
      name: 'sydney',
      region: 'ap-southeast-2',
      tags: ['sydney'],
      instanceTypes: ['t4g.small'],
      idleTimeoutMs: 90_000,
      maxInstances: 3,
    },
    {
      name: 'dublin',
      region: 'eu-west-1',
      instanceTypes: ['t4g.small'],
      idleTimeoutMs: 0,
      maxInstances: 100,
    },
  ],
});
const account = '000000000000';
const otherAccount = '111111111111';

let table: TestTable;
let api: ApiFixture;
let gateway: Awaited<ReturnType<typeof startGateway>>;
let project: string;
const principals = makePrincipals(Date.now);

beforeAll(async () => {
  table = await openTestTable();
  gateway = await startGateway({
    faults: makeFaults(Math.random),
    principals,
    services: {
      // STS gets the account from the caller.
      sts: (call) =>
        makeSts(
          [],
          principals,
          call.principal.arn.includes(otherAccount) ? otherAccount : account,
          Date.now,
        )(call),
    },
    counter: countRequests(),
    authorize: async () => {},
    nowMs: Date.now,
    onFailure: () => {},
  });
  // The fixture's API is at http://127.0.0.1:8787.
  const identifyCaller = stsIdentity('127.0.0.1:8787', gateway.url);
  api = await openApiFixture(table, { fleets, identifyCaller });
});
afterAll(async () => {
  await gateway?.stop();
  await table?.close();
});
beforeEach(async () => {
  project = z
    .object({ id: z.string() })
    .parse(await api.call('POST', '/api/projects', { name: unique('Fleets') })).id;
});

const runnersPath = () => `/api/projects/${project}/runners`;
const make = async (body: object, path = runnersPath()): Promise<Runner[]> =>
  createdFleetRunners.parse(await api.call('POST', path, { name: 'one', ...body })).items;
const refused = (body: object, path = runnersPath()) =>
  api.refused('POST', path, { body: { name: 'one', ...body } });
const remove = (ref: Runner) => api.call('DELETE', `${runnersPath()}/${ref.id}`);

describe('fleets', () => {
  it('are listed for every signed-in person, with their free places', async () => {
    const made = await make({ fleet: 'sydney', count: 2 });
    const { items } = z.object({ items: z.array(fleet) }).parse(await api.call('GET', '/api/fleets'));
    expect(items).toEqual([
      {
        name: 'sydney',
        region: 'ap-southeast-2',
        tags: ['sydney'],
        instanceTypes: ['t4g.small'],
        spot: false,
        whenIdle: 'stop',
        idleTimeoutMs: 90_000,
        schedule: [],
        maxInstances: 3,
        used: 2,
      },
      expect.objectContaining({ name: 'dublin', used: 0 }),
    ]);
    for (const one of made) await remove(one);
  });
});

describe('a runner of a fleet', () => {
  it('has its fleet’s tags, region and idle timeout by default, and shows no secret', async () => {
    const answer = await api.call('POST', runnersPath(), { name: 'one', fleet: 'sydney' });
    expect(JSON.stringify(answer)).not.toMatch(/token|privateKey|webhookSecret/i);
    const [first] = createdFleetRunners.parse(answer).items;
    expect(first).toMatchObject({
      fleet: 'sydney',
      status: 'stopped',
      tags: ['sydney'],
      region: 'ap-southeast-2',
      idleTimeoutMs: 90_000,
      publicKey: '',
    });
    const [other] = await make({ fleet: 'sydney', tags: [], idleTimeoutMs: 5 });
    expect(other).toMatchObject({ tags: [], idleTimeoutMs: 5 });
    for (const one of [first, other]) if (one) await remove(one);
  });

  it('is created several times by one call, each with its own name; global ones have no tags', async () => {
    const made = await make({ fleet: 'dublin', count: 3 });
    expect(made.map(({ name }) => name)).toEqual(['one-1', 'one-2', 'one-3']);
    const [global] = await make({ fleet: 'sydney' }, '/api/runners');
    expect(global).toMatchObject({ tags: [], fleet: 'sydney' });
    expect(global?.projectId).toBeUndefined();
    await api.call('DELETE', `/api/runners/${global?.id}`);
  });

  it('is refused when the fleet is full, all or none, also under concurrent calls', async () => {
    expect(await refused({ fleet: 'sydney', count: 4 })).toMatchObject({
      status: 409,
      code: 'fleet_full',
      detail: expect.stringContaining(
        'has 0 of at most 3 runners, so 4 more do not fit. Remove one of its runners',
      ),
    });
    const body = { name: 'one', fleet: 'sydney' };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api.request('POST', runnersPath(), { body })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    const { items } = z
      .object({ items: z.array(z.object({ id: z.string() })) })
      .parse(await api.call('GET', runnersPath()));
    expect(items).toHaveLength(3);
    for (const { id } of items) await api.call('DELETE', `${runnersPath()}/${id}`);
    expect(await make({ fleet: 'sydney', count: 3 })).toHaveLength(3);
    for (const { id } of (await api.deps.runners.list(z.custom<`prj_${string}`>().parse(project))).values())
      await api.call('DELETE', `${runnersPath()}/${id}`);
  });

  it('gets the place of an interrupted call again', async () => {
    const stray = api.deps.newId('run');
    expect(await api.deps.fleetPlaces.take('sydney', 'global', [stray], 3)).toBe(true);
    expect(await refused({ fleet: 'sydney', count: 3 })).toMatchObject({ code: 'fleet_full' });
    api.pass(11 * 60_000);
    const made = await make({ fleet: 'sydney', count: 3 });
    expect(made).toHaveLength(3);
    for (const one of made) await remove(one);
  });

  it.each([
    [{ fleet: 'tokyo' }, 'invalid_reference', 'There are: sydney, dublin'],
    [{ fleet: 'sydney', instanceId: 'i-0123456789abcdef0' }, 'invalid_request', 'instanceId'],
    [{ fleet: 'sydney', webhookUrl: 'https://example.org/' }, 'invalid_request', 'webhookUrl'],
    [{ fleet: 'sydney', region: 'eu-west-1' }, 'invalid_request', 'region'],
    [{ fleet: 'sydney', count: 0 }, 'invalid_request', 'count'],
    [{ count: 2 }, 'invalid_request', 'count'],
    [{ fleet: 'Sydney!' }, 'invalid_request', 'fleet'],
  ])('rejects input that does not fit (%#)', async (body, code, about) => {
    const problem = await refused(body);
    expect(problem.code).toBe(code);
    expect(JSON.stringify(problem)).toContain(about);
    expect(await api.call('GET', runnersPath())).toEqual({ items: [] });
  });

  it('is configured, but stays in its fleet, which chooses its instance', async () => {
    const [one] = await make({ fleet: 'dublin' });
    if (!one) throw new Error('none was made');
    const put = (body: object) =>
      api.request('PUT', `${runnersPath()}/${one.id}`, { body: { name: 'two', ...body } });
    expect((await put({ fleet: 'dublin', maxParallelTasks: 4 })).status).toBe(200);
    expect(await api.call('GET', `${runnersPath()}/${one.id}`)).toMatchObject({
      name: 'two',
      fleet: 'dublin',
      region: 'eu-west-1',
      maxParallelTasks: 4,
    });
    for (const wrong of [
      {},
      { fleet: 'sydney' },
      { fleet: 'dublin', instanceId: 'i-0123456789abcdef0' },
      { fleet: 'dublin', region: 'us-east-1' },
      { fleet: 'dublin', webhookUrl: 'https://example.org/' },
    ]) {
      expect((await put(wrong)).status, JSON.stringify(wrong)).toBe(422);
    }
  });
});

describe('enrolment', () => {
  let instances = 0;
  /** A runner of the fleet, bound to the instance that was launched for it. */
  const aLaunched = async (name: 'sydney' | 'dublin' = 'dublin') => {
    const [made] = await make({ fleet: name });
    const runner = made && (await api.deps.runners.find(z.custom<`prj_${string}`>().parse(project), made.id));
    if (!runner) throw new Error('none was made');
    const instanceId = `i-${String(++instances).padStart(17, '0')}`;
    const launch = { id: 'lch_1', at: api.deps.now() };
    await api.deps.runners.move(runner, ['stopped'], 'starting', api.deps.now());
    await api.deps.runners.beginLaunch(runner, launch);
    await api.deps.runners.bind(instanceId, runner);
    await api.deps.runners.takeInstance(runner, launch, { instanceId, region: runner.region ?? '' });
    return { runner, instanceId };
  };
  /** Credentials as an instance gets them from EC2. */
  const keyOf = (sessionName: string, roleName = 'Reveille-dublin', of = account): Credentials => {
    const arn = `arn:aws:sts::${of}:assumed-role/${roleName}/${sessionName}`;
    return principals.issue({ name: sessionName, arn, role: aRole({ name: roleName }) });
  };
  const proof = (key: Credentials, over: Partial<IdentityOptions> = {}): Promise<EnrollRequest> =>
    signIdentity({
      key,
      region: 'eu-west-1',
      apiUrl: 'http://127.0.0.1:8787',
      publicKey: api.deps.makeKeyPair().publicKey,
      nowMs: Date.now(),
      stsEndpoint: gateway.url,
      ...over,
    });
  let sources = 0;
  /** From another address each time, since refusals are counted by address. */
  const send = (body: object) =>
    api.request('POST', '/api/agent/enroll', {
      token: null,
      body,
      headers: { 'x-test-source': `198.51.100.${++sources}` },
    });
  const expectRefusal = async (body: object, status: number, code: string, detail?: string) => {
    const response = await send(body);
    const problem = z.object({ code: z.string(), detail: z.string() }).parse(await response.json());
    expect([response.status, problem.code], problem.detail).toEqual([status, code]);
    if (detail) expect(problem.detail).toContain(detail);
  };

  it('gives the instance the token of its runner, for its own key, without a secret', async () => {
    const { runner, instanceId } = await aLaunched();
    const { publicKey, privateKey } = api.deps.makeKeyPair();
    const response = await send(await proof(keyOf(instanceId), { publicKey }));
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const enrolled = enrollResponse.parse(await response.json());
    expect(enrolled).toMatchObject({ apiUrl: api.deps.apiUrl, runnerId: runner.id, name: 'one' });
    const session = await api.startAgent({
      apiUrl: '',
      webhookSecret: '',
      token: enrolled.token,
      privateKey,
      runner,
    });
    expect(session).toBeTruthy();
    const stored = JSON.stringify(await table.dump());
    expect(stored).not.toContain(enrolled.token.split('.')[2]);
    const audit = JSON.stringify(await api.call('GET', `/api/projects/${project}/audit`));
    expect(audit).toContain('enrollInstance');
  });

  it('is refused once an agent of the instance has worked, also when it is silent', async () => {
    const { runner, instanceId } = await aLaunched();
    const key = keyOf(instanceId);
    const { publicKey, privateKey } = api.deps.makeKeyPair();
    const { token } = enrollResponse.parse(await (await send(await proof(key, { publicKey }))).json());
    await api.startAgent({ apiUrl: '', webhookSecret: '', token, privateKey, runner });
    // A task on the instance may be able to read these credentials too.
    await expectRefusal(await proof(key), 401, 'enrolment_refused', 'an instance enrols once');
    api.pass(120_000);
    await expectRefusal(await proof(key), 401, 'enrolment_refused', 'an instance enrols once');
    await api.call('POST', '/api/agent/challenge', undefined, token);
  });

  it('replaces key and token when repeated before an agent has worked', async () => {
    const { instanceId } = await aLaunched();
    const key = keyOf(instanceId);
    const first = enrollResponse.parse(await (await send(await proof(key))).json());
    const second = enrollResponse.parse(await (await send(await proof(key))).json());
    expect(second.token).not.toBe(first.token);
    expect(await api.refused('POST', '/api/agent/challenge', { token: first.token })).toMatchObject({
      status: 401,
    });
    await api.call('POST', '/api/agent/challenge', undefined, second.token);
  });

  it('keeps the credentials of the later signature when an earlier call is slower', async () => {
    const { runner, instanceId } = await aLaunched();
    const key = keyOf(instanceId);
    const slow = await proof(key, { nowMs: Date.now() - 10_000 });
    const { publicKey, privateKey } = api.deps.makeKeyPair();
    const { token } = enrollResponse.parse(await (await send(await proof(key, { publicKey }))).json());
    await expectRefusal(slow, 409, 'try_later', 'with a later signature');
    const given = { apiUrl: '', webhookSecret: '', token, privateKey, runner };
    expect(await api.startAgent(given)).toBeTruthy();
  });

  it('works once, and for no other key', async () => {
    const { instanceId } = await aLaunched();
    const good = await proof(keyOf(instanceId));
    const { publicKey } = api.deps.makeKeyPair();
    await expectRefusal({ ...good, publicKey }, 401, 'enrolment_refused', 'STS rejects the signature');
    expect((await send(good)).status).toBe(200);
    await expectRefusal(good, 401, 'enrolment_refused', 'used before');
  });

  it('is refused for another host than the API that it was made for', async () => {
    const { instanceId } = await aLaunched();
    const foreign = await proof(keyOf(instanceId), { apiUrl: 'https://elsewhere.example' });
    await expectRefusal(foreign, 401, 'enrolment_refused', 'STS rejects the signature');
  });

  it('is refused when the signature does not cover its audience and key', async () => {
    const { instanceId } = await aLaunched();
    const whole = await proof(keyOf(instanceId));
    for (const header of ['x-reveille-server', 'x-reveille-key', 'host', 'x-amz-date']) {
      const authorization = whole.authorization.replace(`;${header}`, '');
      expect(authorization).not.toBe(whole.authorization);
      await expectRefusal({ ...whole, authorization }, 401, 'enrolment_refused', 'The signature must cover');
    }
  });

  it('rejects another account, another role, another fleet’s role, and a non-instance', async () => {
    const { instanceId } = await aLaunched();
    await expectRefusal(
      await proof(keyOf(instanceId, 'Reveille-dublin', otherAccount)),
      401,
      'enrolment_refused',
      `in the account ${otherAccount}`,
    );
    for (const role of ['Admin', 'Reveille', 'Reveille-sydney', 'Reveille-dublin-2'])
      await expectRefusal(
        await proof(keyOf(instanceId, role)),
        401,
        'enrolment_refused',
        `${role} is not the role`,
      );
    await expectRefusal(
      await proof(keyOf('somebody')),
      401,
      'enrolment_refused',
      'is not the role of instances',
    );
    const other = await aLaunched('sydney');
    await expectRefusal(await proof(keyOf(other.instanceId)), 401, 'enrolment_refused', 'of another fleet');
  });

  it('rejects an instance whose runner is in no fleet', async () => {
    const instanceId = 'i-0aaaaaaaaaaaaaaaa';
    await api.createRunner(runnersPath(), { name: 'bound', instanceId });
    await expectRefusal(
      await proof(keyOf(instanceId)),
      401,
      'enrolment_refused',
      'of another fleet, or of none',
    );
  });

  it('waits for a launch that is not recorded yet', async () => {
    await expectRefusal(await proof(keyOf('i-0bbbbbbbbbbbbbbbb')), 409, 'try_later');
  });

  it('rejects forged credentials and an old signature', async () => {
    const { instanceId } = await aLaunched();
    const key = keyOf(instanceId);
    const forged = { ...key, secretAccessKey: randomBytes(30).toString('base64') };
    await expectRefusal(await proof(forged), 401, 'enrolment_refused', 'STS rejects the signature');
    await expectRefusal(await proof(key, { nowMs: Date.now() - 3_600_000 }), 401, 'enrolment_refused', 'STS');
  });

  it('calls STS in a fleet’s region, and no other address', async () => {
    const { instanceId } = await aLaunched();
    const whole = await proof(keyOf(instanceId));
    await expectRefusal({ ...whole, region: 'us-east-1' }, 401, 'enrolment_refused', 'no fleet in us-east-1');
    await expectRefusal({ ...whole, region: 'ap-southeast-2' }, 401, 'enrolment_refused', 'not one for STS');
    const forSqs = whole.authorization.replace('/sts/', '/sqs/');
    await expectRefusal({ ...whole, authorization: forSqs }, 401, 'enrolment_refused', 'not one for STS');
    for (const wrong of [
      { region: 'eu-west-1.example.org/' },
      { region: 'eu-west-1@example.org' },
      { date: '20260101T000000Z\r\nhost: example.org' },
      { sessionToken: 'a\r\nb: c' },
      { authorization: `${whole.authorization}\r\nx: y` },
      { url: 'https://example.org' },
      { publicKey: 'nonsense' },
    ]) {
      await expectRefusal({ ...whole, ...wrong }, 422, 'invalid_request');
    }
  });

  it('is retried when STS is unreachable', async () => {
    const unreachable = await openApiFixture(table, {
      fleets,
      identifyCaller: stsIdentity('127.0.0.1:8787', 'http://127.0.0.1:9/'),
    });
    const response = await unreachable.request('POST', '/api/agent/enroll', {
      token: null,
      body: await proof(keyOf('i-0cccccccccccccccc')),
    });
    expect(response.status).toBe(503);
  });

  it('counts refusals by address, against guessing', async () => {
    const body = await proof(keyOf('i-0dddddddddddddddd', 'Admin'));
    const from = { token: null, body, headers: { 'x-test-source': '203.0.113.7' } };
    const statuses = [];
    for (let tries = 0; tries < 31; tries++)
      statuses.push((await api.request('POST', '/api/agent/enroll', from)).status);
    expect(statuses.slice(0, 30)).toEqual(Array(30).fill(401));
    expect(statuses[30]).toBe(429);
  });
});
