/** Case 18: callback plugins of the project, beside the agent's own one. */
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

const site = '- hosts: localhost\n  gather_facts: false\n  tasks: [{ansible.builtin.debug: {msg: hello}}]\n';

describe.skipIf(lacksCases || isMissing('ansible-playbook'))('case 18: a callback plugin', () => {
  const plugin = () => readFileSync(caseFile(18, 'mine.py'), 'utf8');
  const config = () => readFileSync(caseFile(18, 'other.cfg'), 'utf8');

  /** Runs the playbook of a repository with these files. */
  const play = async (files: Record<string, string>, variables: Record<string, string> = {}) => {
    const url = await fixture.repository('app', { 'site.yml': site, ...files });
    const repository = { url, branch: 'main' };
    return fixture.run({ app: 'ansible', path: 'site.yml', repository, variables });
  };

  it.each([
    ['ansible.cfg', 'ansible.cfg', {}],
    ['another config', 'conf/other.cfg', { ANSIBLE_CONFIG: 'conf/other.cfg' }],
    ['a folder with a config', 'conf/ansible.cfg', { ANSIBLE_CONFIG: 'conf' }],
  ])('runs from the folder that %s names', async (_, name, variables) => {
    const folder = name.startsWith('conf/') ? 'conf/plugins/cb' : 'plugins/cb';
    const { result, output } = await play({ [name]: config(), [`${folder}/mine.py`]: plugin() }, variables);
    expect(output).toContain('MINE CALLBACK RAN');
    expect(result.hosts).toMatchObject([{ host: 'localhost', ok: 1 }]);
  });

  it.each([
    ['ANSIBLE_CALLBACK_PLUGINS', 'mine', { ANSIBLE_CALLBACK_PLUGINS: 'mine' }],
    ['the home of Ansible', 'home/plugins/callback', { ANSIBLE_HOME: 'home' }],
  ])('runs from %s', async (_, folder, variables) => {
    const { result, output } = await play({ [`${folder}/mine.py`]: plugin() }, variables);
    expect(output).toContain('MINE CALLBACK RAN');
    expect(result.hosts).toMatchObject([{ host: 'localhost', ok: 1 }]);
  });
});
