import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTaskFixture, type TaskFixture } from '../testing/task-fixture.ts';
import { commandAs, findUser } from './run-as.ts';

let fixture: TaskFixture;
beforeEach(async () => {
  fixture = await openTaskFixture();
  await chmod(fixture.folder, 0o711);
});
afterEach(() => fixture?.close());

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)('a task of another user', () => {
  it('runs as that user, in folders that are its own, and leaves none of them', async () => {
    const runAs = await findUser('nobody');
    const { result, output } = await fixture.run(
      {
        script: 'id -un; id -Gn; echo "$USER"; touch "$HOME/a" "$TMPDIR/b" c; cat "$SECRET_FILE"; ls /root',
        secretFiles: { SECRET_FILE: 'from the file\n' },
      },
      process.env.PATH,
      { runAs },
    );
    expect(output).toContain('nobody\nnogroup\nnobody\nfrom the file\n');
    expect(output).toMatch(/\/root.*Permission denied/);
    expect(result.status).toBe('error');
    expect(await readdir(join(fixture.workDir, 'tasks'))).toEqual([]);
  });

  it('gets variables that load code, while programs of root do not', async () => {
    const runAs = await findUser('nobody');
    // With this variable the loader names each program that it starts.
    const { output } = await fixture.run(
      { script: 'echo "$LD_DEBUG $LANGUAGE"', variables: { LD_DEBUG: 'files', LANGUAGE: '../x' } },
      process.env.PATH,
      { runAs },
    );
    expect(output).toContain('files ../x\n');
    expect(output).toContain('/bash');
    expect(output).not.toContain('setpriv');
  });

  it('is refused when there is no such user', async () => {
    await expect(findUser('no-such-user')).rejects.toThrow('There is no user no-such-user');
  });
});

describe('commandAs', () => {
  it('passes setpriv no variable that its C library obeys, and the program all of them', () => {
    const environment = { LD_PRELOAD: '/tmp/x.so', GCONV_PATH: '/tmp', LANG: 'C.UTF-8', SECRET: 's' };
    const runAs = { user: 'nobody', uid: 65534, gid: 65534 };
    const command = commandAs(
      runAs,
      { setpriv: '/usr/bin/setpriv', env: '/usr/bin/env' },
      { program: '/bin/bash', args: ['x'], environment },
    );
    expect(command.environment).toEqual({ LANG: 'C.UTF-8', SECRET: 's' });
    expect(command.args.slice(command.args.indexOf('--'))).toEqual([
      '--',
      '/usr/bin/env',
      'LD_PRELOAD=/tmp/x.so',
      'GCONV_PATH=/tmp',
      '/bin/bash',
      'x',
    ]);
  });
});
