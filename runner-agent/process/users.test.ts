import { describe, expect, it } from 'vitest';
import { ipcIdsOf } from './remains.ts';
import { parseUsers } from './users.ts';

describe('the users of a pool', () => {
  const line = (name: string, uid: number | string) =>
    `${name}:x:${uid}:970::/home/${name}:/usr/sbin/nologin`;

  it('are read from lines of passwd', () => {
    expect(parseUsers(`${line('reveille-task-0', 980)}\n`)).toEqual([
      { name: 'reveille-task-0', uid: 980, gid: 970, home: '/home/reveille-task-0' },
    ]);
  });

  it.each([
    ['root under another name', line('reveille-task-0', 0)],
    ['without an id', line('reveille-task-0', '')],
    ['with the id of another', `${line('reveille-task-0', 980)}\n${line('reveille-cache-0', 980)}`],
  ])('are none that is %s', (_, passwd) => {
    expect(parseUsers(passwd)).toEqual([]);
  });
});

describe('a table of System V IPC', () => {
  const table = `       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid
         0          5   600                    64     1     1      0   980   970   980   970
         0          6   600                    64     1     1      0     0     0   980   970
         0          7   600                    64     1     1      0   981   970   981   970
`;

  it('gives the ids of what the user owns or made', () => {
    expect(ipcIdsOf(table, 'shmid', 980)).toEqual(['5', '6']);
    expect(ipcIdsOf(table, 'shmid', 98)).toEqual([]);
    expect(ipcIdsOf('', 'shmid', 980)).toEqual([]);
  });
});
