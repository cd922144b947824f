/**
 * Host keys of a project that were accepted at first sight (known_hosts(5) of sshd(8)), a file for each
 * project.
 */
import { createHmac } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeySecret } from '../../protocol/key.ts';
import { withPathLock } from '../process/path-lock.ts';
import type { SshOption } from './ssh.ts';
import type { OwnedFiles } from './workspace.ts';

/** Size limit of what a task's copy may have. 1 MiB is some 5,000 keys. */
export const maxHostKeysBytes = 1024 * 1024;

/** Matches a line that ssh adds: one plain host or [host]:port, the type of the key, and the key. */
const addedLine = /^(\[[\w.:%-]+\]:\d+|[\w.:%-]+) (?:ssh|ecdsa|sk-ssh|sk-ecdsa)[\w@.-]* [A-Za-z0-9+/]+=*$/;

/** Matches the host field of a line whose hosts are hashed: the salt, and the HMAC-SHA1 of the host. */
const hashedHost = /^\|1\|([^|]+)\|([^|]+)$/;

const names = (field: string, host: string): boolean => {
  const [, salt, hash] = hashedHost.exec(field) ?? [];
  if (salt === undefined) return field.split(',').includes(host);
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(host).digest('base64') === hash;
};

/** Returns the lines for hosts that are not known yet. A task can add a host, and change none. */
export const newHostKeys = (known: string, seen: string): string[] => {
  const fields = known.split('\n').map((line) => line.split(' ')[0] ?? '');
  const added = seen.split('\n').filter((line) => {
    const [, host] = addedLine.exec(line) ?? [];
    return host !== undefined && !fields.some((field) => names(field, host));
  });
  return [...new Set(added)];
};

export interface HostKeys {
  /** Returns the accepted keys, each line with its end. */
  read(): Promise<string>;
  /** Keeps the keys of hosts that are new in a copy of the file, so that a later change is refused. */
  learn(seen: string): Promise<void>;
}

const never = new AbortController().signal;

export const createHostKeys = (workDir: string, projectId: string): HostKeys => {
  const folder = join(workDir, 'known_hosts');
  const path = join(folder, projectId);
  const read = () => readFile(path, 'utf8').catch(() => '');
  return {
    read,
    learn: (seen) =>
      withPathLock(path, never, async () => {
        const known = await read();
        const added = newHostKeys(known, seen);
        if (added.length === 0) return;
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFile(`${path}.new`, `${known}${added.join('\n')}\n`, { mode: 0o600 });
        await rename(`${path}.new`, path);
      }),
  };
};

/** Host keys that were given with an inventory or a repository: its own, else those of its SSH key. */
export const givenHostKeys = (of: { knownHosts?: string; key?: KeySecret } | undefined): string | undefined =>
  of?.knownHosts ?? (of?.key?.type === 'ssh' ? of.key.knownHosts : undefined);

export interface SshHosts {
  /** Options that set the accepted host keys. */
  options: SshOption[];
  /** Copy of the project's file, to which ssh adds hosts; undefined when the keys were given. */
  copy: string | undefined;
}

export interface SshHostsOptions {
  files: OwnedFiles;
  hostKeys: HostKeys;
  /** Distinguishes its file from others of the task. */
  use: string;
  /** Lines of known_hosts. If set, no other host key is accepted. */
  knownHosts: string | undefined;
}

/** Without given host keys, the first one of a host is trusted, by a copy of the project's file. */
export const sshHosts = async ({ files, hostKeys, use, knownHosts }: SshHostsOptions): Promise<SshHosts> => {
  const name = `${use}-known-hosts`;
  if (knownHosts !== undefined) {
    const options: SshOption[] = [
      ['StrictHostKeyChecking', 'yes'],
      ['UserKnownHostsFile', await files.writePrivate(name, `${knownHosts}\n`)],
      ['GlobalKnownHostsFile', '/dev/null'],
    ];
    return { options, copy: undefined };
  }
  const copy = await files.writePrivate(name, await hostKeys.read());
  // A hashed name could not be compared with those that are known.
  const options: SshOption[] = [
    ['StrictHostKeyChecking', 'accept-new'],
    ['HashKnownHosts', 'no'],
    ['UserKnownHostsFile', copy],
  ];
  return { options, copy };
};
