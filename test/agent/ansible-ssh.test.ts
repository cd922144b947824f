/** Case 04: ssh options of the inventory and of ansible.cfg, beside the accepted host keys and the key. */
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskPayload } from '../../protocol/agent.ts';
import { openTaskFixture, type TaskFixture } from '../../runner-agent/testing/task-fixture.ts';
import { isRoot, openSeparation } from '../../runner-agent/testing/users.ts';
import { caseFile, lacksCases } from '../cases.ts';
import { makeSshKey, type SshServer, startSshServer } from './sshd.ts';
import { isMissing } from './tools.ts';

const passphrase = 'a phrase for the hosts';
let fixture: TaskFixture;
let target: SshServer;
let jump: SshServer;
let privateKey: string;
beforeEach(async () => {
  fixture = await openTaskFixture();
  const key = makeSshKey(join(fixture.folder, 'id'), passphrase);
  privateKey = key.privateKey;
  const start = (name: string, address: string) =>
    startSshServer({ folder: join(fixture.folder, name), address, publicKey: key.publicKey, name });
  target = await start('target', '127.0.0.2');
  jump = await start('jump', '127.0.0.3');
});
afterEach(async () => {
  target?.stop();
  jump?.stop();
  await fixture?.close();
});

const playbook = `
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.raw: echo "on $HOST_NAME"
      register: asked
    - ansible.builtin.debug: {msg: "{{ asked.stdout }}"}
    - ansible.builtin.copy: {content: x, dest: "{{ playbook_dir }}/copied"}
`;

const host = () =>
  `a1 ansible_host=${target.address} ansible_port=${target.port} ansible_user=${target.user}\n`;

const hostsOf = (content: string) => ({
  name: 'hosts',
  type: 'static' as const,
  content,
  key: { type: 'ssh' as const, privateKey, passphrase },
});

const play = (content: string, given: Partial<TaskPayload> = {}, knownHosts?: string) =>
  fixture.run({
    app: 'ansible',
    script: playbook,
    inventory: { ...hostsOf(content), knownHosts },
    ...given,
  });

/** Command line of a process of /proc; empty when it has just ended. */
const commandOf = (name: string) => {
  try {
    return readFileSync(`/proc/${name}/cmdline`, 'utf8');
  } catch {
    return '';
  }
};

const logins = (server: SshServer) => server.log().match(/Accepted publickey/g)?.length ?? 0;

const withConfig = async (options: string) => {
  const url = await fixture.repository('app', {
    'ansible.cfg': `[ssh_connection]\nssh_common_args = ${options}\n`,
    'site.yml': playbook,
  });
  return { script: undefined, path: 'site.yml', repository: { url, branch: 'main' } };
};

describe.skipIf(isMissing('ansible-playbook'))('a playbook', () => {
  it.skipIf(lacksCases)('case 04: reaches a host whose inventory has options for ssh', async () => {
    const content = readFileSync(caseFile(4, 'inventory.ini'), 'utf8')
      .replace('127.0.0.1', target.address)
      .replace('23910', String(target.port));
    expect(content).toContain(String(target.port));
    const { result, output } = await play(content);
    expect(output).toContain('on target');
    expect(result.status).toBe('success');
  });

  it.skipIf(lacksCases)('case 04: goes by the jump host of ansible.cfg', async () => {
    const config = readFileSync(caseFile(4, 'ansible.cfg'), 'utf8');
    const [, options = ''] = /ssh_common_args = (.*)/.exec(config) ?? [];
    const given = await withConfig(
      options.replace('jump@127.0.0.1', `-p ${jump.port} ${jump.user}@${jump.address}`),
    );
    const { result, output } = await play(host(), given);
    expect(output).toContain('on target');
    expect(result.status).toBe('success');
    expect(logins(jump)).toBeGreaterThan(0);
  });

  const proxyJump = () =>
    `\n[all:vars]\nansible_ssh_extra_args="-o ProxyJump=${jump.user}@${jump.address}:${jump.port}"\n`;

  it('goes by ProxyJump of the inventory, with given host keys', async () => {
    const knownHosts = [target.knownHost, jump.knownHost].join('\n');
    const { result } = await play(host() + proxyJump(), {}, knownHosts);
    expect(result.status).toBe('success');
    expect(logins(jump)).toBeGreaterThan(0);
  });

  it('refuses a jump host whose key is not a given one', async () => {
    const { result } = await play(host() + proxyJump(), {}, target.knownHost);
    expect(result).toMatchObject({ status: 'error', exitCode: 4 });
    expect(logins(jump)).toBe(0);
  });

  it('reaches its hosts with an ssh config of the project', async () => {
    const given = await withConfig('-F ssh.cfg');
    await fixture.repository('app', { 'ssh.cfg': 'Host *\n  Compression no\n' });
    const { result } = await play(host(), given);
    expect(result.status).toBe('success');
  });

  it.skipIf(!isRoot)('goes by ProxyJump as another user, in a long folder', async () => {
    const other = await openTaskFixture('.local/instances/i-0123456789abcdef0/work');
    try {
      await chmod(other.folder, 0o711);
      for (const folder of ['.local', '.local/instances', '.local/instances/i-0123456789abcdef0']) {
        await mkdir(join(other.folder, folder), { mode: 0o711 });
      }
      const inventory = hostsOf(host() + proxyJump());
      const { result, output } = await other.run({ app: 'ansible', script: playbook, inventory }, undefined, {
        separation: await openSeparation(),
      });
      expect(output).toContain('on target');
      expect(result.status).toBe('success');
    } finally {
      await other.close();
    }
  });

  it('has the key in an ssh-agent, which ends with the task', async () => {
    const script = `
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.shell: ssh-add -l; echo "at $SSH_AUTH_SOCK"
      register: asked
    - ansible.builtin.debug: {var: asked.stdout_lines}
`;
    const { output } = await play('localhost ansible_connection=local\n', { script });
    expect(output).toContain('(ED25519)');
    const [, socket = ''] = /"at (\S+)"/.exec(output) ?? [];
    expect(socket).toMatch(/ssh-agent$/);
    const left = readdirSync('/proc').filter((name) => commandOf(name).includes(socket));
    expect(left).toEqual([]);
  });
});
