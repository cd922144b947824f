/** Keys of Ansible are defaults: a play, a task and the inventory may say otherwise. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTaskFixture, type TaskFixture } from '../../runner-agent/testing/task-fixture.ts';
import { caseFile, lacksCases } from '../cases.ts';
import { isMissing } from './tools.ts';

let fixture: TaskFixture;
beforeEach(async () => {
  fixture = await openTaskFixture();
});
afterEach(() => fixture?.close());

const key = { type: 'login_password' as const, login: 'root', password: 'the password of the key' };

describe.skipIf(isMissing('ansible-playbook'))('a key for Ansible', () => {
  it.skipIf(lacksCases || process.getuid?.() !== 0)('case 03: is below become_user of a task', async () => {
    const { output } = await fixture.run({
      app: 'ansible',
      script: readFileSync(caseFile(3, 'become.yml'), 'utf8'),
      ansible: { becomeKey: key },
    });
    expect(output).toContain('default=root nobody-task=nobody');
  });

  const play = `
- hosts: all
  gather_facts: false
  tasks:
    - name: Connect
      ansible.builtin.raw: 'true'
`;
  const withPassword = (password: string) => `with ${Buffer.from(password).toString('base64')}.`;
  /** Runs the play with an `sshpass` that prints the password which it gets, in base64. */
  const connect = async (content: string, password = key.password) => {
    const path = await fixture.program(
      'sshpass',
      'IFS= read -r password < "/dev/fd/$(echo "$1" | tr -d d-)"; echo "with $(printf %s "$password" | base64 -w 0)." >&2; exit 255',
    );
    const inventory = { name: 'hosts', type: 'static' as const, content, key: { ...key, password } };
    return fixture.run({ app: 'ansible', script: play, inventory, ansible: { verbosity: 3 } }, path);
  };

  it('has the login and the password that hosts get', async () => {
    const { output } = await connect('web\n');
    expect(output).toContain(withPassword(key.password));
    expect(output).toContain('User="root"');
  });

  it('is below ansible_user and ansible_password of the inventory', async () => {
    const { output } = await connect('web ansible_user=deploy ansible_password=another\n');
    expect(output).toContain(withPassword('another'));
    expect(output).toContain('User="deploy"');
  });

  it.each([` -it's "so" $HOME `, '{{ lookup("env", "HOME") }}\\', '  '])(
    'reaches Ansible unchanged with the password %j',
    async (password) => {
      const { output } = await connect('web\n', password);
      expect(output).toContain(withPassword(password));
    },
  );
});
