/**
 * The first boot's script in a real bash and Python: its report of a failure, and the proof of identity that
 * the API verifies.
 */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stsIdentity } from '../lambdas/adapters/runners/caller-identity.ts';
import { makeSts } from '../local/aws/sts.ts';
import { makeFaults } from '../local/gateway/faults.ts';
import { startGateway } from '../local/gateway/gateway.ts';
import { makePrincipals } from '../local/gateway/principals.ts';
import { countRequests } from '../local/gateway/requests.ts';
import { aRole } from '../local/testing/fixture.ts';
import {
  type BootFailureRequest,
  bootFailureHeader,
  bootFailureRequest,
  bootFailureText,
} from '../protocol/index.ts';
import { type Imds, startImds } from '../runner-agent/testing/imds.ts';
import { runnerUserData } from './runner-user-data.ts';
import { makeBootFolders } from './testing/boot-folders.ts';

const program = readFileSync(
  join(import.meta.dirname, '../runner-agent/host/report-boot-failure.py'),
  'utf8',
);
const account = '000000000000';
const instanceId = 'i-0123456789abcdef0';
const semaphore = 'var/lib/cloud/instance/sem/config_scripts_user';

let folder: string;
let imds: Imds;
let gateway: Awaited<ReturnType<typeof startGateway>>;
let api: Server;
let apiHost: string;
let statuses: number[];
let received: BootFailureRequest[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reveille-boot-'));
  makeBootFolders(folder);
  mkdirSync(join(folder, 'var/log'), { recursive: true });
  mkdirSync(join(folder, semaphore, '..'), { recursive: true });
  writeFileSync(join(folder, semaphore), '');
  writeFileSync(
    join(folder, 'var/log/cloud-init-output.log'),
    '1\n2\n3\nError: no mirror\tanswers é\nCurl (6)\n',
  );
  const principals = makePrincipals(Date.now);
  gateway = await startGateway({
    faults: makeFaults(Math.random),
    principals,
    services: { sts: makeSts([], principals, account, Date.now) },
    counter: countRequests(),
    authorize: () => {},
    nowMs: Date.now,
    onFailure: () => {},
  });
  statuses = [];
  received = [];
  api = createServer(async (request, response) => {
    expect(request.url).toBe('/api/agent/boot-failure');
    received.push(bootFailureRequest.parse(JSON.parse((await request.toArray()).join(''))));
    response.writeHead(statuses.shift() ?? 204).end();
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  const address = api.address();
  apiHost = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  imds = await startImds();
  const arn = `arn:aws:sts::${account}:assumed-role/Reveille-dublin/${instanceId}`;
  const key = principals.issue({ name: instanceId, arn, role: aRole({ name: 'Reveille-dublin' }) });
  imds.set('placement/region', 'eu-west-1');
  imds.set('tags/instance/reveille:api', `http://${apiHost}`);
  imds.set('iam/security-credentials/', 'Reveille-dublin');
  imds.set(
    'iam/security-credentials/Reveille-dublin',
    JSON.stringify({
      AccessKeyId: key.accessKeyId,
      SecretAccessKey: key.secretAccessKey,
      Token: key.sessionToken,
    }),
  );
});
afterEach(async () => {
  await imds?.close();
  await gateway?.stop();
  api?.closeAllConnections();
  api?.close();
  rmSync(folder, { recursive: true });
});

/** Commands for a download that creates its last argument. */
const takesAll = 'for to in "$@"; do true; done; touch "$to"';

/** Runs the script with programs that do only what these lines say; waits take no time. */
const boot = async (programs: Record<string, string> = {}) => {
  const stubs = {
    dnf: '',
    'systemd-sysusers': '',
    install: '',
    systemctl: '',
    sleep: '',
    aws: '',
    sha256sum: '',
    ...programs,
  };
  for (const [name, lines] of Object.entries(stubs)) {
    const path = join(folder, 'bin', name);
    writeFileSync(path, `#!/bin/bash\n${lines || 'true'}\n`);
    chmodSync(path, 0o755);
  }
  const script = runnerUserData({
    agentLocation: 's3://assets/agent.mjs',
    agentSha256: 'ab',
    service: '[Service]\n',
    path: '[Path]\n',
    enroll: '[Service]\n',
    report: { program, stsHost: new URL(gateway.url).host },
    script: 'false',
  });
  const here = script
    .replaceAll(/(?<=[\s'])\/(opt|etc|var|usr\/local)\//g, `${folder}/$1/`)
    .replace('http://169.254.169.254', imds.url)
    .replace('time.sleep(wait)', 'time.sleep(0)');
  const child = spawn('bash', ['-c', here], {
    env: { PATH: `${join(folder, 'bin')}:/usr/local/bin:/usr/bin:/bin`, no_proxy: '127.0.0.1' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, output };
};

const proves = (report: BootFailureRequest, serverHost = apiHost) =>
  stsIdentity(serverHost, gateway.url)(report, bootFailureHeader, bootFailureText(report));

it('reports the failed step with its last lines, and STS confirms the signing instance', async () => {
  const { status, output } = await boot({ dnf: 'false' });
  expect(status).not.toBe(0);
  expect(output).toContain('The API knows that the first boot failed');
  const [report, ...more] = received;
  if (!report) throw new Error(output);
  expect(more).toEqual([]);
  expect(report).toMatchObject({
    step: 'install Node.js and git',
    detail: '1 2 3 Error: no mirror answers  Curl (6)',
    region: 'eu-west-1',
  });
  expect(await proves(report)).toEqual({
    ok: true,
    identity: { account, roleName: 'Reveille-dublin', sessionName: instanceId },
  });
  for (const other of [{ step: 'another' }, { detail: 'other lines' }, { date: '20260101T000000Z' }])
    expect(await proves({ ...report, ...other }), JSON.stringify(other)).toMatchObject({ ok: false });
  expect(await proves(report, 'elsewhere.example')).toMatchObject({ ok: false });
});

it('makes cloud-init run the script again at the next boot', async () => {
  await boot({ dnf: 'false' });
  expect(existsSync(join(folder, semaphore))).toBe(false);
});

it('names each step that can fail', async () => {
  await boot({ aws: 'false' });
  await boot({ 'systemd-sysusers': 'false' });
  await boot({ aws: takesAll, systemctl: 'false' });
  expect(received.map(({ step }) => step)).toEqual([
    'download the agent',
    'make the users of tasks and caches, and the folders',
    'install the agent',
  ]);
});

it('reports again, freshly signed, while the launch is unrecorded or the API does not answer', async () => {
  statuses = [409, 503];
  const { output } = await boot({ dnf: 'false' });
  expect(received).toHaveLength(3);
  expect(output).toContain('The failed boot is not reported');
});

it('reports nothing after the agent is installed, also when the script of the fleet fails', async () => {
  const { status } = await boot({ aws: takesAll });
  expect(status).not.toBe(0);
  expect(received).toEqual([]);
  expect(existsSync(join(folder, semaphore))).toBe(true);
});
