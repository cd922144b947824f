import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTaskFixture, type TaskFixture } from '../testing/task-fixture.ts';

let fixture: TaskFixture;
beforeEach(async () => {
  fixture = await openTaskFixture();
});
afterEach(() => fixture?.close());

describe('a task', () => {
  it("runs bash with its arguments, without the agent's environment", async () => {
    process.env.AGENT_ONLY = 'leak';
    const { result, output } = await fixture.run({
      script: 'echo "$1-$2 $VARIABLE $SECRET $REVEILLE_TASK_ID"; env; cd "$HOME"; pwd -P',
      arguments: ['a b', 'c'],
      variables: { VARIABLE: 'v' },
      secrets: { SECRET: 's3cret' },
    });
    expect(result).toEqual({ status: 'success', exitCode: 0 });
    expect(output).toMatch(/^a b-c v s3cret tsk_/);
    expect(output).not.toContain('leak');
    expect(output).toMatch(/\/work\/tasks\/tsk_[^/]*\/home\n$/);
    delete process.env.AGENT_ONLY;
  });

  it.each(['#!/bin/bash\r\necho first', 'echo first'])('runs %j after a byte order mark', async (script) => {
    const { result, output } = await fixture.run({ script: `\uFEFF${script}` });
    expect(result.status).toBe('success');
    expect(output).toBe('first\n');
  });

  it('runs python', async () => {
    const { result, output } = await fixture.run({
      app: 'python',
      script: 'import sys\nprint(sys.argv[1])\nsys.exit(4)',
      arguments: ['hi'],
    });
    expect(output).toBe('hi\n');
    expect(result).toEqual({ status: 'error', exitCode: 4, reason: 'The script ended with exit code 4' });
  });

  it('leaves nothing behind', async () => {
    await fixture.run({ script: 'touch file "$HOME/file" "$TMPDIR/file"' });
    expect(await readdir(join(fixture.workDir, 'tasks'))).toEqual([]);
  });

  it('ends at its timeout, with that reason', async () => {
    const { result } = await fixture.run({ script: 'trap "exit 0" TERM; sleep 60 & wait', timeoutMs: 100 });
    expect(result).toMatchObject({ status: 'error', reason: expect.stringContaining('timeout of 0.1 s') });
  });

  it('runs a script of its repository, in the checkout', async () => {
    const url = await fixture.repository('repository', { 'deploy.sh': 'cat data; ls', data: 'from git\n' });
    const repository = { url, branch: 'main' };
    const { result, output } = await fixture.run({ path: 'deploy.sh', repository });
    expect(result.status).toBe('success');
    expect(output).toBe('from git\ndata\ndeploy.sh\n');
  });

  it('explains how to correct a wrong repository, branch or path', async () => {
    const url = await fixture.repository('repository', { 'deploy.sh': 'true' });
    const reasonOf = async (repository: { url: string; branch: string }, at: string) =>
      (await fixture.run({ path: at, repository })).result.reason;
    expect(await reasonOf({ url, branch: 'main' }, 'other.sh')).toContain(
      'other.sh is not in the repository',
    );
    expect(await reasonOf({ url, branch: 'none' }, 'deploy.sh')).toContain('Cannot fetch');
    expect(await reasonOf({ url: `${url}-none`, branch: 'main' }, 'deploy.sh')).toContain('Cannot fetch');
  });

  it('opens an SSH key that has a passphrase', async () => {
    const file = join(fixture.folder, 'id');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'phrase', '-f', file]);
    const privateKey = await readFile(file, 'utf8');
    const opens = 'ssh-keygen -y -f "$1" < /dev/null';
    const { result, output } = await fixture.run(
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
      await fixture.program(
        'ansible-playbook',
        `while [ "$1" != --private-key ]; do shift; done; shift; ${opens}`,
      ),
    );
    expect(result.status).toBe('success');
    expect(output).toMatch(/^ssh-ed25519 /);
  });

  it('names the package of a missing program', async () => {
    const { result } = await fixture.run(
      { app: 'ansible', script: '- hosts: all' },
      join(fixture.folder, 'nothing'),
    );
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
    const { result, output } = await fixture.run(
      {
        app: 'ansible',
        script: '- hosts: all',
        inventory: {
          name: 'hosts',
          type: 'static',
          content: '\uFEFFweb1',
          key: { type: 'ssh', login: 'deploy', privateKey: 'KEY' },
        },
        arguments: ['--check'],
      },
      await fixture.program('ansible-playbook', show),
    );
    expect(result.status).toBe('success');
    expect(output).toContain(
      '--inventory\n600\nweb1\n--private-key\n600\nKEY\n--user=deploy\n--check\n600\n- hosts: all\n',
    );
  });

  it('gets a password in a file, and not on its command line', async () => {
    const { output } = await fixture.run(
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
      await fixture.program('ansible-playbook', show),
    );
    expect(output).toContain('--user=admin\n--connection-password-file\n700\n#!/bin/sh\nexec cat ');
  });

  it('explains how Ansible ended', async () => {
    const { result } = await fixture.run(
      { app: 'ansible', script: '- hosts: all' },
      await fixture.program('ansible-playbook', 'exit 2'),
    );
    expect(result.reason).toBe('ansible-playbook ended with exit code 2: a task failed on at least one host');
  });
});
