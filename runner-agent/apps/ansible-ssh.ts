/**
 * Gives Ansible's ssh the accepted host keys and the key. Of each of its ssh settings (`ssh_common_args` and
 * the like), Ansible takes one: that of the inventory, of the environment or of ansible.cfg. So the agent
 * leaves all of them to the project.
 */
import { dirname, join } from 'node:path';
import { findProgram } from '../process/programs.ts';
import { quote, type SshKeyFile, sshFlags, sshString } from '../task/ssh.ts';
import type { Workspace } from '../task/workspace.ts';
import type { Job, Step } from './app.ts';

/**
 * Writes programs that call ssh, scp and sftp with the accepted host keys. Returns their folder, for PATH.
 * The options are in a config, which ssh passes on to a jump host. Options of a command precede those of a
 * config.
 */
export const wrapSsh = async ({ workspace, path, hostKeys }: Job): Promise<string> => {
  const settings = hostKeys.map(([name, value]) => `${name} ${sshString(value)}`);
  const includes = ['Include ~/.ssh/config', 'Include /etc/ssh/ssh_config'];
  const config = await workspace.writePlain('ssh/config', `${[...settings, ...includes].join('\n')}\n`);
  const folder = dirname(config);
  for (const name of ['ssh', 'scp', 'sftp']) {
    const program = await findProgram(path, name);
    if (program === undefined) continue;
    // ssh reads one config: with that of the project, the options are flags.
    const script = `#!/bin/sh
for word in "$@"; do
  case "$word" in -F*) exec ${quote(program)} ${sshFlags(hostKeys)} "$@" ;; esac
done
exec ${quote(program)} -F ${quote(config)} "$@"
`;
    await workspace.writePlain(`ssh/${name}`, script, 0o700);
  }
  return folder;
};

/**
 * Runs the command beside an ssh-agent with the key, so that every ssh under it may use the key: also those
 * of jump hosts. As a child in the group of the task, the agent ends with the task.
 */
const script = `
ssh-agent -D -a "$SSH_AUTH_SOCK" > /dev/null &
until ssh-add -l > /dev/null 2>&1; [ $? -ne 2 ]; do
  kill -0 $! || break
  sleep 0.05
done
ssh-add -q "$1"
shift
exec "$@"
`;

/** Returns the call of a command that has the key in an ssh-agent. */
export const withKeyAgent = (
  workspace: Workspace,
  key: SshKeyFile,
  command: readonly string[],
): Pick<Step, 'program' | 'args' | 'environment'> => ({
  program: 'sh',
  args: ['-c', script, 'sh', key.path, ...command],
  environment: { ...key.environment, SSH_AUTH_SOCK: join(workspace.temporary, 'ssh-agent') },
});
