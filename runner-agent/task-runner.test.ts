import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskPayload } from '../protocol/agent.ts';
import { runTask } from './task-runner.ts';
import { aPayload, heldTasks } from './testing/builders.ts';
import { systemTiming } from './timing.ts';

let folder: string;
const path = process.env.PATH ?? '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-task-'));
});
afterEach(() => rm(folder, { recursive: true }));

const run = async (given: Partial<TaskPayload>, searchPath = path) => {
  const payload = aPayload(given);
  const task = heldTasks().add(payload.projectId, payload.taskId);
  let output = '';
  const write = async (stream: string, text: string) => {
    if (stream !== 'agent') output += text;
  };
  const result = await runTask({
    payload,
    task,
    output: { write, end: async () => undefined },
    workDir: join(folder, 'work'),
    path: searchPath,
    killGraceMs: 100,
    awaitConfirmation: async () => undefined,
    timing: systemTiming,
  });
  return { result, output };
};

const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.com', ...args], {
    cwd,
    stdio: 'pipe',
  });

/** A repository with these files on the branch main. */
const aRepository = async (files: Record<string, string>) => {
  const repository = join(folder, 'repository');
  await mkdir(repository);
  git(repository, 'init', '--quiet', '--initial-branch=main');
  for (const [name, content] of Object.entries(files)) await writeFile(join(repository, name), content);
  git(repository, 'add', '.');
  git(repository, 'commit', '--quiet', '-m', 'x');
  return repository;
};

/** A stand-in for a program that is not installed here: prints what it was given. */
const aProgram = async (name: string, script: string) => {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, name), 0o755);
  return `${bin}:${path}`;
};

describe('a task', () => {
  it('runs bash with its arguments, and gets nothing of the environment of the agent', async () => {
    process.env.AGENT_ONLY = 'leak';
    const { result, output } = await run({
      script: 'echo "$1-$2 $VARIABLE $SECRET $REVEILLE_TASK_ID"; env; pwd',
      arguments: ['a b', 'c'],
      variables: { VARIABLE: 'v' },
      secrets: { SECRET: 's3cret' },
    });
    expect(result).toEqual({ status: 'success', exitCode: 0 });
    expect(output).toMatch(/^a b-c v s3cret tsk_/);
    expect(output).not.toContain('leak');
    expect(output).toMatch(/HOME=.*\/work\/tasks\/tsk_/);
    delete process.env.AGENT_ONLY;
  });

  it('runs python', async () => {
    const { result, output } = await run({
      app: 'python',
      script: 'import sys\nprint(sys.argv[1])\nsys.exit(4)',
      arguments: ['hi'],
    });
    expect(output).toBe('hi\n');
    expect(result).toEqual({ status: 'error', exitCode: 4, reason: 'The script ended with exit code 4' });
  });

  it('leaves nothing behind', async () => {
    await run({ script: 'touch file "$HOME/file" "$TMPDIR/file"' });
    expect(await readdir(join(folder, 'work', 'tasks'))).toEqual([]);
  });

  it('ends at its timeout, and says so', async () => {
    const { result } = await run({ script: 'trap "exit 0" TERM; sleep 60 & wait', timeoutMs: 100 });
    expect(result).toMatchObject({ status: 'error', reason: expect.stringContaining('timeout of 0.1 s') });
  });

  it('runs a script of its repository, in the checkout', async () => {
    const url = await aRepository({ 'deploy.sh': 'cat data; ls', data: 'from git\n' });
    const repository = { url, branch: 'main' };
    const { result, output } = await run({ path: 'deploy.sh', repository });
    expect(result.status).toBe('success');
    expect(output).toBe('from git\ndata\ndeploy.sh\n');
  });

  it('says what to correct when the repository, the branch or the path is wrong', async () => {
    const url = await aRepository({ 'deploy.sh': 'true' });
    const reasonOf = async (repository: { url: string; branch: string }, at: string) =>
      (await run({ path: at, repository })).result.reason;
    expect(await reasonOf({ url, branch: 'main' }, 'other.sh')).toContain(
      'other.sh is not in the repository',
    );
    expect(await reasonOf({ url, branch: 'none' }, 'deploy.sh')).toContain('Cannot fetch');
    expect(await reasonOf({ url: `${url}-none`, branch: 'main' }, 'deploy.sh')).toContain('Cannot fetch');
  });

  it('gives git its login and password when the server asks, and in no other way', async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const url = `http://127.0.0.1:${port}/repository.git`;
    const key = { type: 'login_password' as const, login: 'deploy', password: "it's" };
    const { result, output } = await run({ path: 'x.sh', repository: { url, branch: 'main', key } });
    server.close();
    expect(seen).toContain(`Basic ${Buffer.from("deploy:it's").toString('base64')}`);
    expect(result.reason).toContain('Cannot fetch');
    expect(output).not.toContain("it's");
  });

  it('opens an SSH key that has a passphrase', async () => {
    const file = join(folder, 'id');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'phrase', '-f', file]);
    const privateKey = await readFile(file, 'utf8');
    const opens = 'ssh-keygen -y -f "$1" < /dev/null';
    const { result, output } = await run(
      {
        app: 'ansible',
        script: '-',
        inventory: {
          name: 'hosts',
          type: 'static',
          content: 'web1',
          key: { type: 'ssh', privateKey, passphrase: 'phrase' },
        },
      },
      await aProgram('ansible-playbook', `while [ "$1" != --private-key ]; do shift; done; shift; ${opens}`),
    );
    expect(result.status).toBe('success');
    expect(output).toMatch(/^ssh-ed25519 /);
  });

  it('names the package of a program that is missing', async () => {
    const { result } = await run({ app: 'ansible', script: '- hosts: all' }, join(folder, 'nothing'));
    expect(result).toEqual({
      status: 'error',
      reason:
        'ansible-playbook is not installed on this runner: install Ansible, for example the package ansible-core on it',
    });
  });
});

describe('an ansible task', () => {
  const show =
    'for a in "$@"; do case $a in @*) cat "$(echo $a | cut -c2-)";; /*) stat -c %a "$a"; cat "$a";; *) echo "$a";; esac; done';

  it('gets its inventory and its SSH key as files that nobody else may read', async () => {
    const { result, output } = await run(
      {
        app: 'ansible',
        script: '- hosts: all',
        inventory: {
          name: 'hosts',
          type: 'static',
          content: 'web1',
          key: { type: 'ssh', login: 'deploy', privateKey: 'KEY' },
        },
        arguments: ['--check'],
      },
      await aProgram('ansible-playbook', show),
    );
    expect(result.status).toBe('success');
    expect(output).toBe(
      '--inventory\n600\nweb1\n--private-key\n600\nKEY\n--user\ndeploy\n--check\n600\n- hosts: all\n',
    );
  });

  it('gets a login and password as variables in a file, and not on its command line', async () => {
    const { output } = await run(
      {
        app: 'ansible',
        script: '- hosts: all',
        inventory: {
          name: 'hosts',
          type: 'static-yaml',
          content: 'all: {}',
          key: { type: 'login_password', login: 'admin', password: 'pass' },
        },
      },
      await aProgram('ansible-playbook', show),
    );
    expect(output).toContain(
      '--extra-vars\n"ansible_user": !unsafe "admin"\n"ansible_password": !unsafe "pass"',
    );
  });

  it('explains how Ansible ended', async () => {
    const { result } = await run(
      { app: 'ansible', script: '- hosts: all' },
      await aProgram('ansible-playbook', 'exit 2'),
    );
    expect(result.reason).toBe('ansible-playbook ended with exit code 2: a task failed on at least one host');
  });
});
