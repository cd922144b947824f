/** Folders of one task: created empty, readable only by their owner, and wiped at its end. */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { messageOf, TaskError } from '../errors.ts';
import { giveTo, type RunAs } from '../process/run-as.ts';

export interface Workspace {
  /** Folder of all others but the private one. */
  root: string;
  /** Path of the same folder for HOME. It and `temporary` have room for the name of a socket. */
  home: string;
  /** Checkout, or an empty folder. The program runs in it. */
  source: string;
  temporary: string;
  /** Path for a file with that name that only the owner may read. In memory where the machine allows it. */
  privatePath(name: string): string;
  /** Writes a file that only the owner may read. Returns its path. */
  writePrivate(name: string, content: string): Promise<string>;
  /** Writes a file without secrets, executable if `mode` says so; a folder in memory may forbid that. */
  writePlain(name: string, content: string, mode?: number): Promise<string>;
  /** Gives all folders to the task's user. */
  handOver(to: RunAs): Promise<void>;
  wipe(): Promise<void>;
}

export interface WorkspaceOptions {
  workDir: string;
  /** Unique on this machine at a time. */
  name: string;
  /** Another user runs the task: parent folders must be accessible to that user. */
  isShared?: boolean;
}

const tasksIn = (workDir: string) => join(workDir, 'tasks');

/** Returns true for the path of a task's folder. */
export const isInWorkspaces = (workDir: string, path: string): boolean =>
  path.startsWith(`${tasksIn(workDir)}${sep}`);

/** Memory that Linux mounts as a folder. Its content survives neither a power cut nor a disk copy. */
const memory = '/dev/shm';

/** Folder in memory for this working folder. It is the same after a restart of the agent. */
const memoryFor = (workDir: string): string => {
  const name = createHash('sha256').update(resolve(workDir)).digest('hex').slice(0, 16);
  return join(memory, `reveille-${process.getuid?.() ?? 0}-${name}`);
};

/**
 * Creates the folder. False when that fails or another user created it first: anybody may write to its
 * parent.
 */
const makeOwn = async (folder: string): Promise<boolean> => {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const made = await lstat(folder);
    return made.isDirectory() && made.uid === process.getuid?.() && (made.mode & 0o022) === 0;
  } catch {
    return false;
  }
};

const onDiskFor = (workDir: string): string => join(workDir, 'secrets');

const secretsFoldersOf = (workDir: string) => [memoryFor(workDir), onDiskFor(workDir)];

/** Folder for the secrets of running tasks. */
export const secretsFolderOf = async (workDir: string): Promise<string> => {
  const inMemory = memoryFor(workDir);
  if (await makeOwn(inMemory)) return inMemory;
  const onDisk = onDiskFor(workDir);
  await mkdir(onDisk, { recursive: true, mode: 0o700 });
  return onDisk;
};

/** Removes that folder when it is empty, so that nothing stays in memory for a removed working folder. */
export const dropSecretsFolder = async (workDir: string): Promise<void> => {
  // A folder that is not empty or does not exist stays unchanged.
  await rmdir(memoryFor(workDir)).catch(() => undefined);
};

const remove = (path: string) => rm(path, { recursive: true, force: true, maxRetries: 3 });

/** Maximum retries when a task starts just as the last one ends and removes the parent folder. */
const maxSecretsTries = 5;

/** Creates the folder of a task's secrets. Returns its parent. */
const makeSecrets = async (workDir: string, name: string): Promise<string> => {
  for (let tries = 1; ; tries += 1) {
    const above = await secretsFolderOf(workDir);
    try {
      await mkdir(join(above, name), { mode: 0o700 });
      return above;
    } catch (error) {
      if (tries === maxSecretsTries || !isMissing(error)) throw error;
    }
  }
};

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/**
 * Longest path of a folder for temporary files. A Unix socket's path has at most 107 bytes (unix(7)), and
 * Terraform's providers need 39 of them in TMPDIR, Python's multiprocessing 32, gpg-agent 28 in HOME.
 */
const maxTemporaryBytes = 64;

/** Creates a link to the folder in `above`, unless the folder's path is short. Returns the shorter path. */
const shorten = async (root: string, above: string): Promise<string> => {
  const link = join(above, randomBytes(4).toString('hex'));
  const bytesOf = (home: string) => Buffer.byteLength(temporaryIn(home));
  if (bytesOf(root) <= maxTemporaryBytes || bytesOf(link) >= bytesOf(root)) return root;
  await symlink(resolve(root), link);
  return link;
};

const temporaryIn = (home: string) => join(home, 'tmp');

/** Creates the folders of a task. */
export const createWorkspace = async ({
  workDir,
  name,
  isShared = false,
}: WorkspaceOptions): Promise<Workspace> => {
  const root = join(tasksIn(workDir), name);
  await remove(root);
  for (const folder of secretsFoldersOf(workDir)) await remove(join(folder, name));
  const secretsDir = await makeSecrets(workDir, name);
  const secrets = join(secretsDir, name);
  const home = await shorten(root, secretsDir);
  const wipe = async () => {
    await Promise.all([remove(secrets), remove(root), ...(home === root ? [] : [remove(home)])]);
    await dropSecretsFolder(workDir);
  };
  const source = join(root, 'source');
  const temporary = temporaryIn(home);
  const plain = join(root, 'files');
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const folder of [source, temporary, plain]) await mkdir(folder, { mode: 0o700 });
  if (isShared) for (const folder of [workDir, tasksIn(workDir), secretsDir]) await chmod(folder, 0o711);

  const write = async (path: string, content: string, mode: number) => {
    await writeFile(path, content, { mode, flag: 'wx' });
    return path;
  };
  const privatePath = (file: string) => join(secrets, file);
  return {
    root,
    home,
    source,
    temporary,
    privatePath,
    writePrivate: (file, content) => write(privatePath(file), content, 0o600),
    writePlain: (file, content, mode = 0o600) => write(join(plain, file), content, mode),
    handOver: async (to) => {
      for (const folder of [root, secrets]) await giveTo(folder, to);
    },
    wipe,
  };
};

/** Removes the remains of tasks when the agent or the machine ended without warning. */
export const sweepWorkspaces = async (workDir: string): Promise<void> => {
  for (const folder of [...secretsFoldersOf(workDir), tasksIn(workDir)]) {
    await remove(folder).catch((error: unknown) => {
      throw new TaskError(`Cannot remove what earlier tasks left in ${folder}: ${messageOf(error)}`);
    });
  }
  await mkdir(tasksIn(workDir), { recursive: true, mode: 0o700 });
};
