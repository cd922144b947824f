import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { caseFile, lacksCases } from '../cases.ts';
import { it } from '../fixture.ts';
import { type Fixture, makeRepository, openFixture } from './fixture.ts';
import { makeSshKey, type SshServer, startSshServer } from './sshd.ts';
import { run } from './tools.ts';

const passphrase = 'open sesame, please';
let fixture: Fixture;
let servers: SshServer[] = [];
let inventory: { type: string; content: string };
let keyId: string;

it.beforeAll(async ({ shared }) => {
  fixture = await openFixture(shared);
  const { privateKey, publicKey } = makeSshKey(join(fixture.folder, 'id'), passphrase);
  for (const [name, address] of [
    ['web1', '127.0.0.2'],
    ['web2', '127.0.0.3'],
  ] as const) {
    const folder = join(fixture.folder, name);
    servers.push(await startSshServer({ folder, address, publicKey, name }));
  }
  const [one, two] = servers;
  inventory = {
    type: 'static',
    content: `[web]\nweb1 ansible_host=127.0.0.2 ansible_port=${one?.port}\nweb2 ansible_host=127.0.0.3 ansible_port=${two?.port}\n`,
  };
  const secret = { type: 'ssh', login: one?.user, privateKey, passphrase };
  keyId = await fixture.make('keys', { secret });
});
afterAll(async () => {
  for (const server of servers) server.stop();
  servers = [];
  fixture?.close();
});

const whoAmI = `
- hosts: web
  gather_facts: false
  tasks:
    - name: Ask
      ansible.builtin.command: printenv HOST_NAME
      register: asked
    - name: Tell
      ansible.builtin.debug: {msg: "this is {{ asked.stdout }}"}
      tags: [tell]
`;

describe('ansible-playbook over ssh', () => {
  it('reaches two hosts with a key that has a passphrase, and reports the changes on each', async () => {
    const inventoryId = await fixture.make('inventories', { ...inventory, keyId });
    const done = await fixture.finish({ app: 'ansible', script: whoAmI, inventoryId });
    expect(done.log).toContain('this is web1');
    expect(done.log).toContain('this is web2');
    expect(done.task).toMatchObject({
      status: 'success',
      hosts: [
        { host: 'web1', ok: 2, changed: 1, unreachable: 0, failed: 0, skipped: 0 },
        { host: 'web2', ok: 2, changed: 1, unreachable: 0, failed: 0, skipped: 0 },
      ],
    });
    expect(done.log).not.toContain(passphrase);
    expect(servers.map((server) => /Accepted publickey/.test(server.log()))).toEqual([true, true]);
    expect(fixture.leftovers([done.task.id])).toEqual([]);
  });

  it('applies limit and skipped tags, and options set for one task', async () => {
    const inventoryId = await fixture.make('inventories', { ...inventory, keyId });
    const ansible = { limit: 'web1', skipTags: ['tell'] };
    const template = { app: 'ansible', script: whoAmI, inventoryId, ansible, launch: ['limit', 'check'] };
    const asTemplate = await fixture.finish(template);
    expect(asTemplate.task.hosts).toMatchObject([{ host: 'web1', ok: 1 }]);
    const asChosen = await fixture.finish(template, { ansible: { limit: 'web2', check: true } });
    expect(asChosen.task.hosts).toMatchObject([{ host: 'web2', skipped: 1 }]);
  });

  it('rejects a host whose key is not the given one', async () => {
    const knownHosts = servers.map(({ knownHost }) => knownHost);
    const swapped = knownHosts.map((line, index) => {
      const [host = ''] = line.split(' ');
      return [host, ...(knownHosts[1 - index] ?? '').split(' ').slice(1)].join(' ');
    });
    const play = async (lines: string[]) => {
      const inventoryId = await fixture.make('inventories', {
        ...inventory,
        keyId,
        knownHosts: lines.join('\n'),
      });
      return fixture.finish({ app: 'ansible', script: whoAmI, inventoryId });
    };
    expect((await play(knownHosts)).task.status).toBe('success');
    const refused = await play(swapped);
    expect(refused.task).toMatchObject({ status: 'error', exitCode: 4 });
    expect(refused.task.hosts?.map(({ unreachable }) => unreachable)).toEqual([1, 1]);
  });

  it('names the failed host', async () => {
    const inventoryId = await fixture.make('inventories', { ...inventory, keyId });
    const script = `
- hosts: web
  gather_facts: false
  tasks:
    - ansible.builtin.shell: test "$HOST_NAME" = web1
`;
    const { task } = await fixture.finish({ app: 'ansible', script, inventoryId });
    expect(task).toMatchObject({
      status: 'error',
      exitCode: 2,
      hosts: [
        { host: 'web1', changed: 1, failed: 0 },
        { host: 'web2', failed: 1 },
      ],
    });
  });
});

const local = { type: 'static', content: 'localhost ansible_connection=local\n' };

describe('a playbook of a repository', () => {
  it('has its galaxy roles installed and its vault opened', async () => {
    const role = join(fixture.folder, 'role-greeting');
    makeRepository(role, {
      'tasks/main.yml': '- ansible.builtin.debug: {msg: "greetings from a role, {{ greeted }}"}\n',
      'meta/main.yml':
        'galaxy_info: {author: test, description: x, license: x, min_ansible_version: "2.14"}\n',
    });
    const passwordFile = join(fixture.folder, 'vault-password');
    writeFileSync(passwordFile, 'vault-pass-4711\n');
    const encrypted = run('ansible-vault', [
      'encrypt_string',
      '--vault-id',
      `prod@${passwordFile}`,
      'the hidden value',
      '--name',
      'hidden',
    ]);
    const url = join(fixture.folder, 'playbooks');
    const hash = makeRepository(url, {
      'requirements.yml': `roles:\n  - {src: "git+file://${role}", version: main, name: greeting}\n`,
      'site.yml':
        '- hosts: all\n  gather_facts: false\n  vars_files: [vars.yml]\n  roles: [greeting]\n  tasks:\n    - ansible.builtin.debug: {msg: "vault: {{ hidden }}"}\n',
      'vars.yml': encrypted,
    });
    const repositoryId = await fixture.make('repositories', { url });
    const inventoryId = await fixture.make('inventories', local);
    const vaultKey = await fixture.make('keys', { secret: { type: 'string', value: 'vault-pass-4711' } });
    const survey = [{ name: 'greeted', title: 'Whom', type: 'string', required: true }];
    const ansible = { vaultKeys: [{ keyId: vaultKey, vaultId: 'prod' }] };
    const done = await fixture.finish(
      { app: 'ansible', path: 'site.yml', repositoryId, inventoryId, ansible, survey },
      { survey: { greeted: '{{ 1 + 1 }} world' } },
    );
    expect(done.task).toMatchObject({ status: 'success', commit: { hash, message: expect.any(String) } });
    expect(done.log).toContain('vault: the hidden value');
    // Ansible does not evaluate a survey answer: it is plain text.
    expect(done.log).toContain('greetings from a role, {{ 1 + 1 }} world');
    expect(done.log).not.toContain('vault-pass-4711');
  });

  it.skipIf(lacksCases)('case 12: gets extra variables of any JSON, and answers as plain text', async () => {
    const { ansible } = JSON.parse(readFileSync(caseFile(12, 'body.json'), 'utf8'));
    const extraVars = {
      ...ansible.extraVars,
      small: 1e-7,
      nothing: null,
      line: 'a\u2028b',
      sum: '{{ 1 + 1 }}',
    };
    const script = `
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "it has {{ [packages, opts, small, nothing, line, sum, answer] | to_json }}"
`;
    const survey = [{ name: 'answer', title: 'Answer', type: 'string' }];
    const answer = '{{ 2 + 2 }}, é and 😀';
    const done = await fixture.finish(
      { app: 'ansible', script, ansible: { extraVars }, survey },
      { survey: { answer } },
    );
    const [, message = ''] = /"msg": (".*")/.exec(done.log) ?? [];
    expect(JSON.parse(JSON.parse(message).replace('it has ', ''))).toEqual([
      ['a', 'b'],
      { x: 1 },
      1e-7,
      null,
      'a\u2028b',
      '2',
      answer,
    ]);
  });

  it('names the missing key when the vault stays closed', async () => {
    const inventoryId = await fixture.make('inventories', local);
    const noPassword = await fixture.make('keys', { secret: { type: 'none' } });
    const ansible = { vaultKeys: [{ keyId: noPassword }] };
    const { task } = await fixture.finish({ app: 'ansible', script: whoAmI, inventoryId, ansible });
    expect(task.reason).toContain('The key for the vault default has no password');
  });
});
