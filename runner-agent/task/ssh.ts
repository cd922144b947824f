/** SSH for git and Ansible: writes the key to a file, prevents prompts, and sets the accepted host keys. */
import { constants, type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeySecret } from '../../protocol/key.ts';
import type { RunAs } from '../process/run-as.ts';
import type { Workspace } from './workspace.ts';

type SshKey = Extract<KeySecret, { type: 'ssh' }>;

/** Quotes a word for sh. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export interface HostKeyOptions {
  workDir: string;
  projectId: string;
  workspace: Workspace;
  /** Distinguishes its file from others of the task. */
  use: string;
  /** Lines of known_hosts. If set, no other host key is accepted. */
  knownHosts: string | undefined;
  runAs?: RunAs;
}

/**
 * Opens or creates the file. Undefined when another kind of file has its name, which a task of the agent's
 * own user can cause.
 */
const openRegular = async (path: string): Promise<FileHandle | undefined> => {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600).catch(() => undefined);
  if (file && (await file.stat()).isFile()) return file;
  await file?.close();
  return undefined;
};

const makeKnownHosts = async (path: string, runAs: RunAs | undefined): Promise<void> => {
  let file = await openRegular(path);
  if (!file) {
    await rm(path, { recursive: true, force: true });
    file = await open(path, 'wx', 0o600);
  }
  try {
    if (runAs) await file.chown(runAs.uid, runAs.gid);
  } finally {
    await file.close();
  }
};

/** Option of ssh_config(5). */
export type SshOption = readonly [name: string, value: string];

/** Quotes a string for ssh's config format (ssh_config(5)), in which "%" begins a token. */
export const sshString = (text: string) =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`;

/** Writes the options as flags of ssh, for a shell. */
export const sshFlags = (options: readonly SshOption[]): string =>
  options.map(([name, value]) => `-o ${quote(`${name}=${sshString(value)}`)}`).join(' ');

/**
 * Returns ssh options. Without given host keys, the first one of a host is trusted and kept for the project,
 * so that a later change is refused, also in another task.
 */
export const hostKeyOptions = async (options: HostKeyOptions): Promise<SshOption[]> => {
  const { workDir, projectId, workspace, use, knownHosts, runAs } = options;
  if (knownHosts !== undefined) {
    return [
      ['StrictHostKeyChecking', 'yes'],
      ['UserKnownHostsFile', await workspace.writePrivate(`${use}-known-hosts`, `${knownHosts}\n`)],
      ['GlobalKnownHostsFile', '/dev/null'],
    ];
  }
  const folder = join(workDir, 'known_hosts');
  await mkdir(folder, { recursive: true, mode: runAs ? 0o711 : 0o700 });
  const file = join(folder, projectId);
  await makeKnownHosts(file, runAs);
  return [
    ['StrictHostKeyChecking', 'accept-new'],
    ['UserKnownHostsFile', file],
  ];
};

export interface SshKeyFile {
  path: string;
  /** Variables with which ssh opens a key that has a passphrase. */
  environment: Record<string, string>;
}

/** Writes the key in ssh's format. `use` distinguishes it from other keys of the task. */
export const writeSshKey = async (workspace: Workspace, use: string, key: SshKey): Promise<SshKeyFile> => {
  const text = key.privateKey.replaceAll('\r\n', '\n');
  const path = await workspace.writePrivate(`${use}-key`, text.endsWith('\n') ? text : `${text}\n`);
  if (key.passphrase === undefined) return { path, environment: {} };
  const phrase = await workspace.writePrivate(`${use}-passphrase`, `${key.passphrase}\n`);
  // Other prompts (git for a password of its own, a server that ssh has reached) get no answer.
  const script = `#!/bin/sh\ncase "$1" in "Enter passphrase"*) exec cat ${quote(phrase)} ;; esac\nexit 1\n`;
  const askpass = await workspace.writePlain(`${use}-askpass`, script, 0o700);
  return { path, environment: { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' } };
};

export const sshCommand = (options: string): string => `ssh ${options}`;
