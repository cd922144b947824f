import { spawn } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as OTPAuth from 'otpauth';
import { describe, expect } from 'vitest';
import type { LocalStack } from '../../local/stack.ts';
import { type ProjectId, task, totpSecret } from '../../protocol/index.ts';
import { type Client, installAgent, until } from '../client.ts';
import { itOnOwnStack } from '../fixture.ts';

const cliFile = join(import.meta.dirname, '../../dist/cli/reveille.mjs');
const email = 'ada@example.com';
const password = 'correct horse battery';
const it = itOnOwnStack({ schedules: false });
let stack: LocalStack;
let dataDir: string;
let home: string;
let api: Client;
let projectId: ProjectId;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line; `input` is its standard input. */
const start = (args: readonly string[], env: Record<string, string> = {}, input = '') => {
  const child = spawn(process.execPath, [cliFile, ...args], { env: { HOME: home, ...env } });
  let out = '';
  let err = '';
  child.stdout.on('data', (piece) => {
    out += String(piece);
  });
  child.stderr.on('data', (piece) => {
    err += String(piece);
  });
  child.stdin.end(input);
  return {
    out: () => out,
    err: () => err,
    interrupt: () => child.kill('SIGINT'),
    ended: new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, out, err }))),
  };
};
const reveille = (args: readonly string[], env?: Record<string, string>, input?: string) =>
  start(args, env, input).ended;

const addTemplate = (name: string, input: object) =>
  api.createTemplate(projectId, { name, app: 'bash', ...input });

it.beforeAll(async ({ own }) => {
  ({ stack, api, dataDir } = own);
  home = join(dataDir, 'home');
  projectId = (await api.createProject('Shop')).id;
  const instanceId = stack.ec2.createStoppedInstance();
  const made = await api.createRunner(projectId, {
    name: 'shop-1',
    instanceId,
    maxParallelTasks: 4,
    idleTimeoutMs: 600_000,
  });
  installAgent(stack.ec2.diskOf(instanceId), made);
  const signedIn = await reveille(
    ['login', '--url', stack.url, '--token-file', '-'],
    {},
    `${stack.adminToken}\n`,
  );
  expect(signedIn).toMatchObject({ code: 0, out: '' });
});

describe('reveille login', () => {
  it('stores a token that only its owner can read, and prints who is signed in', async () => {
    expect(statSync(join(home, '.config/reveille/cli.json')).mode & 0o777).toBe(0o600);
    const { code, out } = await reveille(['whoami']);
    expect(code).toBe(0);
    expect(out).toMatch(/Admin +yes/);
  });

  it('signs a user in by password and authenticator, and out again', async () => {
    const person = { HOME: join(dataDir, 'ada') };
    const passwordFile = join(dataDir, 'password');
    writeFileSync(passwordFile, `${password}\n`);
    const byPassword = ['login', '--url', stack.url, '--email', email, '--password-file', passwordFile];
    await api.call('POST', '/api/setup', { email, name: 'Ada', password });
    expect(await reveille(byPassword, person)).toMatchObject({ code: 0 });
    expect((await reveille(['whoami'], person)).out).toContain(`Ada (${email})`);
    // A change, which the API accepts only from its own page.
    await addTemplate('Hello', { script: 'echo hello' });
    const ran = await reveille(['task', 'run', 'hello'], person);
    expect(ran).toMatchObject({ code: 0, out: expect.stringMatching(/^tsk_\w+\n$/) });

    const cookie = await signIn({});
    const { secret } = totpSecret.parse(await asPerson(cookie, 'POST', { password }));
    const totp = new OTPAuth.TOTP({ secret: OTPAuth.Secret.fromBase32(secret) });
    await asPerson(cookie, 'PUT', { code: totp.generate() });
    expect(await reveille(byPassword, person)).toMatchObject({
      code: 64,
      err: expect.stringContaining('--totp'),
    });
    // A code counts once. The next one is valid by now, and for as long as a slow machine may need.
    const next = totp.generate({ timestamp: Date.now() + 30_000 });
    expect(await reveille([...byPassword, '--totp', next], person)).toMatchObject({ code: 0 });

    expect(await reveille(['logout'], person)).toMatchObject({ code: 0 });
    expect(await reveille(['whoami'], person)).toMatchObject({
      code: 77,
      err: expect.stringContaining('login'),
    });
  });

  it('rejects a wrong token, and keeps the previous sign-in', async () => {
    const refused = await reveille(['login', '--url', stack.url, '--token-file', '-'], {}, 'tok_x.wrong');
    expect(refused).toMatchObject({ code: 77, err: expect.stringContaining('reveille login') });
    expect(await reveille(['whoami'])).toMatchObject({ code: 0 });
  });
});

/** Returns the cookie of a sign-in like the console's. */
const signIn = async (more: object): Promise<string> => {
  const response = await fetch(`${stack.url}/api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password, ...more }),
  });
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
};
const asPerson = async (cookie: string, method: string, body: object): Promise<unknown> => {
  const response = await fetch(`${stack.url}/api/me/totp`, {
    method,
    headers: { cookie, origin: stack.url, 'x-reveille-csrf': '1', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  return response.status === 204 ? undefined : response.json();
};

describe('reveille task run --follow', () => {
  it("prints only the task's output to standard output, and ends with its exit code", async () => {
    await addTemplate('Fails', {
      script: 'echo "version $version"; echo trouble >&2; exit 3',
      survey: [{ name: 'version', title: 'Version', type: 'string', required: true }],
    });
    const run = await reveille(['task', 'run', 'Fails', '--follow', '--survey', 'version=1.4', '-m', 'Try']);
    expect(run).toMatchObject({ code: 3, out: 'version 1.4\n' });
    expect(run.err).toContain('trouble\n');
    expect(run.err).toMatch(/── Task tsk_\w+: error, exit code 3/);

    const shown = await reveille(['task', 'show', 'last', '--json']);
    expect(task.parse(JSON.parse(shown.out))).toMatchObject({ exitCode: 3, message: 'Try' });
    expect((await reveille(['task', 'logs', 'last'])).out).toBe('version 1.4\n');
    const listed = await reveille(['task', 'list', '--status', 'error']);
    expect(listed.out).toMatch(/^ID +STATUS +TEMPLATE +RUNNER/);
    expect(listed.out).toMatch(/error +Fails +shop-1/);
  });

  it('names a missing answer, and lists the templates for an unknown name', async () => {
    expect(await reveille(['task', 'run', 'Fails'])).toMatchObject({
      code: 64,
      err: expect.stringContaining('--survey version=…'),
    });
    expect(await reveille(['task', 'run', 'Nope'])).toMatchObject({
      code: 66,
      err: expect.stringContaining('Fails'),
    });
  });

  it('prints the ended task with --json, and its log to standard error', async () => {
    await addTemplate('Well', { script: 'echo well' });
    const { code, out, err } = await reveille(['task', 'run', 'Well', '--follow', '--json']);
    expect(code).toBe(0);
    expect(task.parse(JSON.parse(out))).toMatchObject({ status: 'success', exitCode: 0 });
    expect(err).toContain('well\n');
  });

  it('leaves the task running at Ctrl-C, and prints how to stop it', async () => {
    await addTemplate('Long', { script: 'echo started; sleep 120' });
    const run = start(['task', 'run', 'Long', '--follow']);
    await until('it has started', 60_000, () => run.out().includes('started'));
    run.interrupt();
    const left = await run.ended;
    const [, id = ''] = /reveille task stop (tsk_\w+)/.exec(left.err) ?? [];
    expect(left.code).toBe(130);
    expect(await reveille(['task', 'stop', id])).toMatchObject({ code: 0 });
    expect(await reveille(['task', 'logs', id, '--follow'])).toMatchObject({ code: 143, out: 'started\n' });
  });

  it('stops the task at Ctrl-C with --stop-on-interrupt', async () => {
    const run = start(['task', 'run', 'Long', '--follow', '--stop-on-interrupt']);
    await until('it has started', 60_000, () => run.out().includes('started'));
    run.interrupt();
    expect(await run.ended).toMatchObject({ code: 143, err: expect.stringContaining(': stopped') });
  });
});

describe('the lists', () => {
  it('show runners, templates, projects and costs, as tables and as JSON', async () => {
    expect((await reveille(['runner', 'list'])).out).toMatch(/shop-1 +(online|starting|stop)/);
    expect((await reveille(['runner', 'show', 'SHOP-1'])).out).toMatch(/Slots +\d of 4/);
    expect((await reveille(['template', 'list'])).out).toMatch(/Fails +bash +\(script\) +version\*/);
    expect(JSON.parse((await reveille(['project', 'list', '--json'])).out)).toMatchObject([{ name: 'Shop' }]);
    expect((await reveille(['costs'])).out).toMatch(/Always on +\$\d/);
  });

  it('show schedules with their next run', async () => {
    const { id: templateId } = await addTemplate('Nightly', { script: 'true' });
    const input = { name: 'nightly', templateId, cron: '0 3 * * *', timeZone: 'Europe/Berlin' };
    await api.call('POST', `/api/projects/${projectId}/schedules`, input);
    await api.call('POST', `/api/projects/${projectId}/schedules`, { ...input, name: 'off', active: false });
    const { out } = await reveille(['schedule', 'list']);
    expect(out).toMatch(/nightly +0 3 \* \* \* +Europe\/Berlin +20\d\d-\d\d-\d\dT0[12]:00:00.000Z +sch_\w+/);
    expect(out).toMatch(/off +0 3 \* \* \* +Europe\/Berlin +inactive/);
    expect(JSON.parse((await reveille(['schedule', 'list', '--json'])).out)).toMatchObject([
      { name: 'nightly', nextRuns: expect.any(Array) },
      { name: 'off', nextRuns: [] },
    ]);
  });

  it('use the chosen project', async () => {
    await api.createProject('Empty');
    expect(await reveille(['template', 'list'])).toMatchObject({
      code: 64,
      err: expect.stringContaining('There are: Shop, Empty'),
    });
    expect(await reveille(['template', 'list', '-p', 'Empty', '--json'])).toMatchObject({
      code: 0,
      out: '[]\n',
    });
    await reveille(['project', 'use', 'shop']);
    expect((await reveille(['template', 'list'])).out).toContain('Fails');
  });

  it('drain a runner and resume it', async () => {
    const { code, out } = await reveille(['runner', 'drain', 'shop-1']);
    expect({ code, out }).toEqual({ code: 0, out: 'shop-1 takes no task any more.\n' });
    expect(await reveille(['runner', 'resume', 'shop-1'])).toMatchObject({ code: 0 });
  });
});
