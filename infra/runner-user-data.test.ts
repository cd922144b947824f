/** The first boot's script in a real bash in its own folder, with programs that fail on request. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunnerUserData, runnerUserData } from './runner-user-data.ts';
import { makeBootFolders } from './testing/boot-folders.ts';

const bundle = 'console.log("the agent")\n';
const agentSha256 = createHash('sha256').update(bundle).digest('hex');

const hostFolder = join(import.meta.dirname, '../runner-agent/host');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reveille-boot-'));
  makeBootFolders(folder);
  writeFileSync(join(folder, 'bundle'), bundle);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Adds a program that records its call, and then runs these lines; `$calls` is the number of this call. */
const play = (name: string, lines = 'true') => {
  const path = join(folder, 'bin', name);
  writeFileSync(
    path,
    `#!/bin/bash\necho "${name} $*" >> "${folder}/calls"\ncalls=$(grep -c "^${name} " "${folder}/calls")\n${lines}\n`,
  );
  chmodSync(path, 0o755);
};

const boot = (programs: Record<string, string> = {}, more: Partial<RunnerUserData> = {}) => {
  for (const name of ['dnf', 'systemd-sysusers', 'install', 'systemctl', 'sleep']) play(name);
  play('aws', `cp "${folder}/bundle" "\${@: -1}"`);
  for (const [name, lines] of Object.entries(programs)) play(name, lines);
  const script = runnerUserData({
    agentLocation: 's3://assets/agent.mjs',
    agentSha256,
    service: '[Service]\n',
    path: '[Path]\n',
    enroll: '[Service]\n',
    closeMetadata: '#!/bin/sh\n',
    ...more,
    script: `echo done > ${folder}/own-script`,
  });
  // The machine's folders are under the test's.
  const here = script.replaceAll(/(?<=[\s'])\/(opt|etc|usr\/local)\//g, `${folder}/$1/`);
  const { status, stdout } = spawnSync('bash', ['-c', here], {
    encoding: 'utf8',
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` },
  });
  const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
  return { status, stdout, calls, agent: join(folder, 'opt/reveille/reveille-runner.mjs') };
};

describe('the first boot', () => {
  it('is a script that bash can parse', () => {
    const script = runnerUserData({ agentLocation: 's3://a/b', agentSha256, service: 'x', path: 'y' });
    execFileSync('bash', ['-n'], { input: script });
  });

  it('installs the agent, starts its enrolment, and then runs the script of the fleet', () => {
    const { status, calls, agent } = boot();
    expect(status).toBe(0);
    expect(readFileSync(agent, 'utf8')).toBe(bundle);
    expect(calls).toContain('systemctl enable --now --no-block reveille-enroll.service');
    expect(calls.some((call) => call.startsWith('sleep'))).toBe(false);
    expect(existsSync(join(folder, 'own-script'))).toBe(true);
  });

  it('makes the users that the agent looks for', () => {
    boot();
    const named = (text: string) =>
      [...text.matchAll(/^u (\S+) .* (\S+)$/gm)].map(([, name, home]) => `${name} ${home}`).toSorted();
    const made = named(readFileSync(join(folder, 'etc/sysusers.d/reveille.conf'), 'utf8'));
    expect(made).toEqual(named(readFileSync(join(hostFolder, 'reveille.conf'), 'utf8')));
  });

  it("closes the instance's role to tasks, unless the fleet opens it", () => {
    const script = readFileSync(join(hostFolder, 'close-metadata.sh'), 'utf8');
    boot({}, { closeMetadata: script });
    expect(readFileSync(join(folder, 'opt/reveille/close-metadata'), 'utf8')).toBe(script);
    const dropIn = join(folder, 'etc/systemd/system/reveille-runner.service.d/open-metadata.conf');
    expect(existsSync(dropIn)).toBe(false);
    boot({}, { closeMetadata: undefined });
    expect(readFileSync(dropIn, 'utf8')).toBe('[Service]\nExecStartPre=\n');
  });

  it('waits for the lock of dnf, and retries each network step', () => {
    const { status, calls, stdout } = boot({
      dnf: '[ "$calls" -gt 3 ]',
      aws: `[ "$calls" -gt 2 ] && cp "${folder}/bundle" "\${@: -1}"`,
    });
    expect(status).toBe(0);
    expect(calls.filter((call) => call.startsWith('sleep'))).toEqual([
      'sleep 2',
      'sleep 4',
      'sleep 8',
      'sleep 2',
      'sleep 4',
    ]);
    expect(stdout).toContain('Failed, and is tried again in 8 s: dnf install --assumeyes nodejs24');
  });

  it('continues without ansible, which only its tasks need', () => {
    const { status, stdout } = boot({ dnf: '[[ "$*" != *ansible-core* ]]' });
    expect(status).toBe(0);
    expect(stdout).toContain('ansible-core is not installed');
  });

  it('ends after six attempts, and starts nothing', () => {
    const { status, calls } = boot({ dnf: 'false' });
    expect(status).not.toBe(0);
    expect(calls.filter((call) => call.startsWith('dnf'))).toHaveLength(6);
    expect(calls.some((call) => call.startsWith('systemctl'))).toBe(false);
  });

  it('installs no bundle with a wrong hash, and takes the right one once available', () => {
    const wrong = boot({ aws: `echo changed > "\${@: -1}"` });
    expect(wrong.status).not.toBe(0);
    expect(existsSync(wrong.agent)).toBe(false);
    expect(wrong.calls.some((call) => call.startsWith('systemctl'))).toBe(false);
    rmSync(join(folder, 'calls'));
    const cut = `if [ "$calls" = 1 ]; then echo cut > "\${@: -1}"; else cp "${folder}/bundle" "\${@: -1}"; fi`;
    const right = boot({ aws: cut });
    expect(right.status).toBe(0);
    expect(readFileSync(right.agent, 'utf8')).toBe(bundle);
  });
});
