import { describe, expect, it } from 'vitest';
import { commandAs } from './run-as.ts';

describe('commandAs', () => {
  const programs = { setpriv: '/usr/bin/setpriv', env: '/usr/bin/env' };
  const user = { name: 'nobody', uid: 65534, gid: 65534, home: '/nonexistent' };
  const given = { program: '/bin/bash', args: ['x'], cwd: '/srv/task' };

  it('passes setpriv no variable that its C library obeys, and the program all of them', () => {
    const environment = { LD_PRELOAD: '/tmp/x.so', GCONV_PATH: '/tmp', LANG: 'C.UTF-8', SECRET: 's' };
    const command = commandAs({ user }, programs, { ...given, environment });
    expect(command.environment).toEqual({ LANG: 'C.UTF-8', SECRET: 's' });
    expect(command.args.slice(command.args.indexOf('--'))).toEqual([
      '--',
      '/usr/bin/env',
      '--chdir=/srv/task',
      'LD_PRELOAD=/tmp/x.so',
      'GCONV_PATH=/tmp',
      '/bin/bash',
      'x',
    ]);
  });

  it('leaves it to the user to enter the folder, in which a task may have put a link', () => {
    expect(commandAs({ user }, programs, { ...given, environment: {} }).cwd).toBe('/');
  });

  it('replaces the groups of the user by those that are given', () => {
    const { args } = commandAs({ user, groups: [65534, 9] }, programs, { ...given, environment: {} });
    expect(args).toContain('65534,9');
    expect(args).not.toContain('--init-groups');
  });
});
