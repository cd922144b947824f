/** SSH for git and Ansible: writes the key to a file, and prevents prompts. */
import type { KeySecret } from '../../protocol/key.ts';
import type { OwnedFiles } from './workspace.ts';

type SshKey = Extract<KeySecret, { type: 'ssh' }>;

/** Quotes a word for sh. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Option of ssh_config(5). */
export type SshOption = readonly [name: string, value: string];

/** Quotes a string for ssh's config format (ssh_config(5)), in which "%" begins a token. */
export const sshString = (text: string) =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`;

/** Writes the options as flags of ssh, for a shell. */
export const sshFlags = (options: readonly SshOption[]): string =>
  options.map(([name, value]) => `-o ${quote(`${name}=${sshString(value)}`)}`).join(' ');

export interface SshKeyFile {
  path: string;
  /** Variables with which ssh opens a key that has a passphrase. */
  environment: Record<string, string>;
}

/** Writes the key in ssh's format. `use` distinguishes it from other keys of the task. */
export const writeSshKey = async (files: OwnedFiles, use: string, key: SshKey): Promise<SshKeyFile> => {
  const text = key.privateKey.replaceAll('\r\n', '\n');
  const path = await files.writePrivate(`${use}-key`, text.endsWith('\n') ? text : `${text}\n`);
  if (key.passphrase === undefined) return { path, environment: {} };
  const phrase = await files.writePrivate(`${use}-passphrase`, `${key.passphrase}\n`);
  // Other prompts (git for a password of its own, a server that ssh has reached) get no answer.
  const script = `#!/bin/sh\ncase "$1" in "Enter passphrase"*) exec cat ${quote(phrase)} ;; esac\nexit 1\n`;
  const askpass = await files.writePlain(`${use}-askpass`, script, 0o700);
  return { path, environment: { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' } };
};

export const sshCommand = (options: string): string => `ssh ${options}`;
