/** Data of the demo: two projects, their runners and templates, and the tasks to start. */
import { spawnSync } from 'node:child_process';
import type { ProjectId, RunnerId } from '../../protocol/index.ts';
import type { Client } from '../client.ts';

export type Plan = readonly {
  readonly label: string;
  readonly projectId: ProjectId;
  readonly templateId: string;
  /** Runners that may run the task. */
  readonly allowed: readonly RunnerId[];
}[];

type AddRunner = (projectId: ProjectId | undefined, name: string, tags: string[]) => Promise<RunnerId>;

const bash = `set -eu
echo "Deploying from $PWD"
for step in build push restart; do echo "  $step"; sleep 0.4; done
echo "$GREETING"
`;

const python = `import os, platform
print("Reporting from", os.getcwd())
print("Python", platform.python_version(), "on", platform.machine())
`;

const playbook = `- hosts: all
  gather_facts: false
  tasks:
    - name: Say where this runs
      ansible.builtin.command: pwd
      register: where
      changed_when: false
    - ansible.builtin.debug:
        var: where.stdout
`;

const hasAnsible = (): boolean => spawnSync('ansible-playbook', ['--version']).status === 0;

/** Ansible where it is installed, otherwise Python: the routing is the same. */
const sydneyRun = () =>
  hasAnsible()
    ? { name: 'Configure Sydney (ansible)', app: 'ansible', script: playbook }
    : { name: 'Configure Sydney (python; ansible is not installed)', app: 'python', script: python };

export const demoTasks = async (api: Client, addRunner: AddRunner): Promise<Plan> => {
  const { id: shop } = await api.createProject('Shop');
  const { id: billing } = await api.createProject('Billing');
  const newYork = [
    await addRunner(shop, 'new-york-1', ['new-york']),
    await addRunner(shop, 'new-york-2', ['new-york']),
  ];
  const sydney = [await addRunner(shop, 'sydney-1', ['sydney'])];
  const global = [await addRunner(undefined, 'global-1', [])];

  const { id: environmentId } = await api.createEnvironment(shop, {
    name: 'Production',
    variables: { GREETING: 'Good morning, New York.' },
    secrets: { DEPLOY_TOKEN: 'a-secret-that-no-log-shows' },
  });
  const { id: inventoryId } = await api.createInventory(shop, {
    name: 'Sydney hosts',
    type: 'static',
    content: 'localhost ansible_connection=local\n',
    tag: 'sydney',
  });
  const deploy = await api.createTemplate(shop, {
    name: 'Deploy to New York',
    app: 'bash',
    script: bash,
    environmentId,
    tag: 'new-york',
  });
  const run = sydneyRun();
  const configure = await api.createTemplate(shop, { ...run, inventoryId });
  const report = await api.createTemplate(billing, { name: 'Monthly report', app: 'python', script: python });

  const toNewYork = (n: number) => ({
    label: `Deploy to New York #${n}`,
    projectId: shop,
    templateId: deploy.id,
    allowed: newYork,
  });
  return [
    // Three tasks for a runner with one slot: the second overflows to the tag's other runner, the third waits
    // for a slot.
    toNewYork(1),
    toNewYork(2),
    toNewYork(3),
    { label: run.name, projectId: shop, templateId: configure.id, allowed: sydney },
    { label: 'Monthly report', projectId: billing, templateId: report.id, allowed: global },
  ];
};
