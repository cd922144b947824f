/** Compares what an installation makes with what the agent looks for, and has systemd look at the units. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseUsers, poolNames } from '../process/users.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');

const lacksSystemd = spawnSync('systemd-analyze', ['--version']).error !== undefined;
if (lacksSystemd) console.warn('systemd-analyze is not installed here: the units are not verified');

describe('an installation', () => {
  it('makes each user that the agent looks for', () => {
    const made = [...read('reveille.conf').matchAll(/^u (\S+) /gm)].map(([, name]) => name);
    expect(made).toEqual([...poolNames('task'), ...poolNames('cache')]);
  });

  it.skipIf(lacksSystemd || process.getuid?.() !== 0)('has a file from which systemd makes them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'reveille-users-'));
    mkdirSync(join(folder, 'etc'));
    const call = [`--root=${folder}`, join(import.meta.dirname, 'reveille.conf')];
    expect(spawnSync('systemd-sysusers', call, { encoding: 'utf8' })).toMatchObject({ status: 0 });
    const made = parseUsers(readFileSync(join(folder, 'etc/passwd'), 'utf8'));
    expect(made.map(({ name }) => name).toSorted()).toEqual(
      [...poolNames('task'), ...poolNames('cache')].toSorted(),
    );
    rmSync(folder, { recursive: true });
  });

  it
    .skipIf(lacksSystemd)
    .each(['reveille-runner.service', 'reveille-enroll.service', 'reveille-runner.path'])(
    'has a unit in which systemd finds no fault: %s',
    (name) => {
      const folder = mkdtempSync(join(tmpdir(), 'reveille-units-'));
      // The programs are not installed here.
      for (const unit of ['reveille-runner.service', 'reveille-enroll.service', 'reveille-runner.path'])
        writeFileSync(
          join(folder, unit),
          read(unit).replaceAll(/(?<=^Exec\w+=\+?)\/(opt|usr\/bin)\/\S+/gm, '/bin/true'),
        );
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', join(folder, name)], {
        encoding: 'utf8',
      });
      rmSync(folder, { recursive: true });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );
});
