import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { virtualTime } from '../testing/virtual-time.ts';
import { waitFor } from '../testing/wait-for.ts';
import { systemTiming } from '../timing.ts';
import { type ProgramOptions, startProcessGroup } from './process-group.ts';

const bash = (script: string, given: Partial<ProgramOptions> = {}) => {
  let output = '';
  const group = startProcessGroup({
    program: 'bash',
    args: ['-c', script],
    cwd: '/',
    environment: { PATH: process.env.PATH ?? '' },
    mark: `/test/${randomUUID()}`,
    onOutput: async (_, text) => {
      output += text;
    },
    timing: systemTiming,
    ...given,
  });
  return { group, output: () => output };
};

/** Returns false also for a dead process that its parent has not collected yet. */
const isAlive = async (pid: number) => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return !stat.includes(') Z');
};

const pidIn = (text: string) => {
  const found = /pid (\d+)\n/.exec(text);
  return found ? Number(found[1]) : undefined;
};

describe('a process group', () => {
  it('returns the output and the exit code', async () => {
    const { group, output } = bash('echo out; echo err >&2; exit 3');
    expect(await group.exit).toEqual({ code: 3 });
    expect(output()).toContain('out\n');
    expect(output()).toContain('err\n');
  });

  it('ends the whole tree of processes', async () => {
    const { group, output } = bash('bash -c "sleep 60 & echo pid \\$!; wait" & wait');
    const grandchild = await waitFor('the grandchild', () => pidIn(output()));
    group.terminate(5000);
    expect((await group.exit).signal).toBe('SIGTERM');
    await waitFor('its end', async () => !(await isAlive(grandchild)));
  });

  it('ends a suspended process before the end of its grace', async () => {
    const { group, output } = bash('echo pid $$; kill -STOP $$; echo not here');
    const pid = await waitFor('the start', () => pidIn(output()));
    await waitFor('that it is suspended', async () =>
      (await readFile(`/proc/${pid}/stat`, 'utf8')).includes(') T'),
    );
    group.terminate(60_000);
    expect(await group.exit).toEqual({ code: 143, signal: 'SIGTERM' });
    expect(output()).not.toContain('not here');
  });

  it.each(Object.entries({ SIGHUP: 129, SIGUSR1: 138, SIGBUS: 135, SIGXCPU: 152 }))(
    'returns 128 plus the number of %s when the signal ended the program',
    async (signal, code) => {
      expect(await bash(`kill -${signal} $$`).group.exit).toEqual({ code, signal });
    },
  );

  it('kills a process that ignores SIGTERM at the end of its grace, not before', async () => {
    const { timing, pass } = virtualTime();
    const { group, output } = bash('trap "echo asked" TERM; echo pid $$; while :; do sleep 0.05; done', {
      timing,
    });
    const pid = (await waitFor('the start', () => pidIn(output()))) ?? 0;
    group.terminate(600_000);
    const asked = () => output().split('asked').length - 1;
    await waitFor('that it is asked', () => asked() === 1);
    await pass(599_999);
    process.kill(pid, 'SIGTERM');
    await waitFor('that it is asked once more', () => asked() === 2);
    await pass(1);
    expect(await group.exit).toEqual({ code: 137, signal: 'SIGKILL' });
  });

  it.each([
    ['', ''],
    [' also below a shell', 'trap "exit 7" TERM; '],
  ])('asks the program alone, which winds down its child%s', async (_, trap) => {
    const child = 'trap "echo child asked; exit" TERM; echo pid $$; read -r; echo tidied';
    const program = `
      // Before the child, which may run before this program goes on.
      process.on('SIGTERM', () => child.stdin.end('end\\n'));
      const child = require('node:child_process').spawn('bash', ['--norc', '-c', ${JSON.stringify(child)}], {
        stdio: ['pipe', 'inherit', 'inherit'],
      });
      child.on('exit', () => process.exit(5));`;
    const { group, output } = bash(`${trap}"$NODE" -e "$PROGRAM"; echo not here`, {
      environment: { PATH: process.env.PATH ?? '', NODE: process.execPath, PROGRAM: program },
      ...(trap === '' && { program: process.execPath, args: ['-e', program] }),
    });
    await waitFor('the child', () => pidIn(output()));
    group.terminate(60_000);
    expect(await group.exit).toEqual({ code: trap === '' ? 5 : 7 });
    expect(output()).toMatch(/^pid \d+\ntidied\n$/);
  });

  it('lets a shell clean up: ends the command that it waits for, not those of its trap', async () => {
    const { group, output } = bash(
      'trap "sleep 0.2 && echo tidied; exit 7" TERM; echo pid $$; sleep 60; echo not here',
    );
    const pid = (await waitFor('the start', () => pidIn(output()))) ?? 0;
    await waitFor('its command', async () =>
      (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim(),
    );
    group.terminate(60_000);
    expect(await group.exit).toEqual({ code: 7 });
    expect(output()).toMatch(/tidied\n$/);
    expect(output()).not.toContain('not here');
  });

  it('asks the rest when a fifth of the grace is left', async () => {
    const { timing, pass } = virtualTime();
    const program = `
      process.on('SIGTERM', () => console.log('asked'));
      const child = require('node:child_process').spawn('sleep', ['600']);
      child.on('spawn', () => console.log('pid', child.pid));
      child.on('exit', (code, signal) => console.log('child ended by', signal));`;
    const { group, output } = bash('', { timing, program: process.execPath, args: ['-e', program] });
    const child = (await waitFor('the child', () => pidIn(output()))) ?? 0;
    group.terminate(10_000);
    await waitFor('that it is asked', () => output().includes('asked'));
    await pass(7999);
    expect(await isAlive(child)).toBe(true);
    await pass(1);
    expect(await group.exit).toEqual({ code: 0 });
    expect(output()).toContain('asked\nchild ended by SIGTERM\n');
  });

  it('lets the children of a leader that ends first use their grace', async () => {
    const child = 'trap "sleep 0.2; echo tidied; exit" TERM; echo pid $$; while :; do sleep 0.05; done';
    const { group, output } = bash(`bash -c '${child}' & wait`);
    await waitFor('the child', () => pidIn(output()));
    group.terminate(5000);
    await group.exit;
    expect(output()).toContain('tidied');
  });

  it('ends processes that the program leaves behind', async () => {
    const { group, output } = bash('sleep 60 & echo pid $!');
    expect(await group.exit).toEqual({ code: 0 });
    const left = pidIn(output()) ?? 0;
    await waitFor('its end', async () => !(await isAlive(left)));
  });

  it('ends a process that left the group by setsid, with SIGTERM first', async () => {
    const child = 'trap "echo tidied; exit" TERM; echo pid $$; while :; do sleep 0.05; done';
    const { group, output } = bash(`setsid bash -c '${child}' & disown; sleep 60`);
    const escaped = await waitFor('the child', () => pidIn(output()));
    group.terminate(5000);
    await group.exit;
    expect(output()).toContain('tidied');
    expect(await isAlive(escaped)).toBe(false);
  });

  it('kills a process that left the group and cleared its environment, while its parent lives', async () => {
    const child = 'trap "" TERM; echo pid $$; while :; do sleep 0.05; done';
    const { group, output } = bash(`trap "" TERM; setsid env -i bash -c '${child}'; sleep 60`);
    const escaped = await waitFor('the child', () => pidIn(output()));
    group.terminate(50);
    await group.exit;
    expect(await isAlive(escaped)).toBe(false);
  });

  it('joins characters that are split over two reads', async () => {
    const { group, output } = bash("printf '\\xf0\\x9f'; sleep 0.05; printf '\\x98\\x80'");
    await group.exit;
    expect(output()).toBe('😀');
  });

  it('rejects when the program cannot be started', async () => {
    const { group } = bash('', { program: '/nowhere' });
    await expect(group.exit).rejects.toThrow('ENOENT');
  });
});
