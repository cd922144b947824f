/** Runs Ansible playbooks: converts inventory, keys and answers to files and flags. */
import { dirname, join } from 'node:path';
import { limitFault } from '../../protocol/app-options.ts';
import type { KeySecret } from '../../protocol/key.ts';
import { TaskError } from '../errors.ts';
import { quote, type SshKeyFile, writeSshKey } from '../task/ssh.ts';
import type { Workspace } from '../task/workspace.ts';
import { readHosts, tellHosts } from './ansible-hosts.ts';
import { withKeyAgent, wrapSsh } from './ansible-ssh.ts';
import type { App, Job, Step } from './app.ts';
import { answersOf } from './survey.ts';

const playbook = 'ansible-playbook';
const galaxy = 'ansible-galaxy';

/** Ansible's own exit codes (ansible.executor.task_queue_manager and ansible.cli). */
const meanings: Record<number, string> = {
  1: 'an error',
  2: 'a task failed on at least one host',
  4: 'at least one host was unreachable, or the playbook cannot be parsed',
  5: 'wrong options',
  8: 'a play was broken off',
  99: 'it was interrupted',
  250: 'an unexpected error',
};

const inventoryArgs = async ({ payload, workspace, files }: Job): Promise<string[]> => {
  const { inventory } = payload;
  if (!inventory) return [];
  if (inventory.type !== 'file') {
    const name = inventory.type === 'static' ? 'inventory.ini' : 'inventory.yml';
    // Ansible takes a byte order mark for a part of the first host's name.
    const content = inventory.content.replace(/^\uFEFF/, '');
    return ['--inventory', await workspace.writePrivate(name, `${content}\n`)];
  }
  const path = join(workspace.source, inventory.path);
  if (await files.exists(path)) return ['--inventory', path];
  throw new TaskError(
    `The inventory ${inventory.path} is not in the repository: correct the inventory's path`,
  );
};

interface Access {
  args: string[];
  /** The key of the hosts, if they have one. */
  sshKey?: SshKeyFile;
}

/**
 * Gives Ansible a password by a script that prints it: of a file without code, Ansible strips the spaces at
 * both ends. Like the options for users, it is below variables of the inventory. Ansible refuses an empty
 * password.
 */
const passwordArgs = async (workspace: Workspace, option: string, password: string): Promise<string[]> => {
  if (password === '') return [];
  const text = await workspace.writePrivate(option, `${password}\n`);
  const script = `#!/bin/sh\nexec cat ${quote(text)}\n`;
  return [`--${option}-file`, await workspace.writePlain(`${option}-script`, script, 0o700)];
};

const userArgs = (option: string, login: string | undefined): string[] =>
  login ? [`--${option}=${login}`] : [];

const hostAccess = async (workspace: Workspace, key: KeySecret): Promise<Access> => {
  if (key.type === 'ssh') {
    const file = await writeSshKey(workspace, 'ansible', key);
    const args = ['--private-key', file.path, ...userArgs('user', key.login)];
    return { args, sshKey: file };
  }
  if (key.type !== 'login_password') return { args: [] };
  const password = await passwordArgs(workspace, 'connection-password', key.password);
  return { args: [...userArgs('user', key.login), ...password] };
};

const passwordOf = (key: KeySecret, use: string): string => {
  if (key.type === 'string') return key.value;
  if (key.type === 'login_password') return key.password;
  throw new TaskError(`The key for ${use} has no password: use one of type string or login_password`);
};

const becomeArgs = async (workspace: Workspace, key: KeySecret | undefined): Promise<string[]> => {
  if (!key) return [];
  const user = key.type === 'login_password' ? userArgs('become-user', key.login) : [];
  const password = passwordOf(key, 'becoming another user');
  return [...user, ...(await passwordArgs(workspace, 'become-password', password))];
};

/** Writes the template's variables as JSON, which Ansible reads without loss, and of which it takes any. */
const templateVars = async ({ payload, workspace }: Job): Promise<string[]> => {
  const variables = payload.ansible?.extraVars ?? {};
  if (Object.keys(variables).length === 0) return [];
  return ['--extra-vars', `@${await workspace.writePrivate('extra-vars.json', JSON.stringify(variables))}`];
};

/** YAML takes these for line ends, or not at all, where JSON has them as they are. */
const specialInYaml = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

const yamlText = (text: string): string =>
  JSON.stringify(text).replaceAll(
    specialInYaml,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Writes people's answers as YAML with the mark unsafe, so that no template in them is evaluated. */
const answerVars = async ({ payload, workspace }: Job): Promise<string[]> => {
  const lines = Object.entries(answersOf(payload)).map(([name, value]) => {
    const written = typeof value === 'string' ? `!unsafe ${yamlText(value)}` : JSON.stringify(value);
    return `${yamlText(name)}: ${written}\n`;
  });
  if (lines.length === 0) return [];
  return ['--extra-vars', `@${await workspace.writePrivate('answers.yml', lines.join(''))}`];
};

const vaultArgs = async ({ payload, workspace }: Job): Promise<string[]> => {
  const args: string[] = [];
  for (const [index, { vaultId, key }] of (payload.ansible?.vaultKeys ?? []).entries()) {
    const password = passwordOf(key, `the vault ${vaultId}`);
    const file = await workspace.writePrivate(`vault-${index}`, `${password}\n`);
    args.push('--vault-id', `${vaultId}@${file}`);
  }
  return args;
};

/** Checks the limit again: templates of version 0.1.0 may have one that the API refuses today. */
const limitArgs = (limit: string | undefined): string[] => {
  if (limit === undefined) return [];
  const fault = limitFault(limit);
  if (fault === undefined) return ['--limit', limit];
  throw new TaskError(`The limit ${limit} ${fault}: correct it where the template or the task sets it`);
};

const choiceArgs = ({ ansible = {} }: Job['payload']): string[] => [
  ...limitArgs(ansible.limit),
  ...(ansible.tags?.length ? ['--tags', ansible.tags.join(',')] : []),
  ...(ansible.skipTags?.length ? ['--skip-tags', ansible.skipTags.join(',')] : []),
  ...(ansible.check ? ['--check'] : []),
  ...(ansible.diff ? ['--diff'] : []),
  ...(ansible.verbosity ? [`-${'v'.repeat(ansible.verbosity)}`] : []),
];

/** Requirements files and the calls that install them. The first kind may name roles and collections. */
const requirements = [
  ['requirements.yml', 'install'],
  ['roles/requirements.yml', 'role', 'install'],
  ['collections/requirements.yml', 'collection', 'install'],
] as const;

const galaxySteps = async ({ payload, workspace, files, script, gitEnvironment }: Job): Promise<Step[]> => {
  if (!payload.repository) return [];
  const folders = new Set([workspace.source]);
  if (payload.path !== undefined) folders.add(dirname(script));
  const steps: Step[] = [];
  for (const folder of folders) {
    for (const [name, ...call] of requirements) {
      const file = join(folder, name);
      if (!(await files.exists(file))) continue;
      steps.push({
        title: `Installing what ${name} names`,
        program: galaxy,
        args: [...call, '-r', file],
        environment: gitEnvironment,
      });
    }
  }
  return steps;
};

const playbookStep = async (job: Job, key: SshKeyFile | undefined, args: string[]): Promise<Step> => {
  const { payload, workspace, path } = job;
  const programs = await wrapSsh(job);
  const call = key ? withKeyAgent(workspace, key, [playbook, ...args]) : { args };
  return {
    ...call,
    environment: {
      ...call.environment,
      ...(await tellHosts(job)),
      PATH: `${programs}:${payload.variables.PATH ?? path}`,
    },
  };
};

export const ansible: App = {
  program: playbook,
  install: 'Ansible, for example the package ansible-core',
  inlineName: 'playbook.yml',
  prepare: async (job) => {
    const { payload, workspace, script } = job;
    const inventory = await inventoryArgs(job);
    const hosts = await hostAccess(workspace, payload.inventory?.key ?? { type: 'none' });
    const flags = [
      ...inventory,
      ...hosts.args,
      ...(await becomeArgs(workspace, payload.ansible?.becomeKey)),
      ...(await templateVars(job)),
      ...(await answerVars(job)),
      ...(await vaultArgs(job)),
      ...choiceArgs(payload),
    ];
    return {
      environment: {
        PYTHONUNBUFFERED: '1',
        ANSIBLE_FORCE_COLOR: '1',
        // For sockets. Ansible follows links first, so the short HOME does not help.
        ANSIBLE_SSH_CONTROL_PATH_DIR: workspace.privatePath('cp'),
        ANSIBLE_PERSISTENT_CONTROL_PATH_DIR: workspace.privatePath('pc'),
      },
      steps: [
        ...(await galaxySteps(job)),
        await playbookStep(job, hosts.sshKey, [...flags, ...payload.arguments, script]),
      ],
    };
  },
  explain: (exitCode, { program }) => {
    const isGalaxy = program === galaxy;
    const meaning = isGalaxy ? 'see the log' : meanings[exitCode];
    return `${isGalaxy ? galaxy : playbook} ended with exit code ${exitCode}${meaning ? `: ${meaning}` : ''}`;
  },
  readHosts,
};
