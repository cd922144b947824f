/**
 * Folders of one task. The agent writes only in folders that no task can change; those in which the task
 * writes are made empty, given to its user, and emptied as that user at the end.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, lchown, lstat, mkdir, open, rm, rmdir, symlink } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { messageOf, TaskError } from '../errors.ts';
import { type Remove, removeOwn } from '../process/remains.ts';
import type { User } from '../process/run-as.ts';

/** Files that the agent writes for one user, in folders in which that user can change no names. */
export interface OwnedFiles {
  /** Writes a file that only the user may read, in memory where the machine allows it. Returns its path. */
  writePrivate(name: string, content: string): Promise<string>;
  /**
   * Writes a file without secrets, also in a folder within, executable if `mode` says so; a folder in memory
   * may forbid that.
   */
  writePlain(name: string, content: string, mode?: number): Promise<string>;
}

export interface Workspace extends OwnedFiles {
  /** Folder of all others but the private ones. Unique on this machine. */
  root: string;
  /** Path for HOME. It and `temporary` have room for the name of a socket. */
  home: string;
  /** Checkout, or an empty folder. The program runs in it. */
  source: string;
  temporary: string;
  /** Writes the script that the task runs, in a folder in which the task may write. Returns its path. */
  writeScript(name: string, content: string): Promise<string>;
  /** Path at which the task's programs may make a file or folder that only they can read. */
  privatePath(name: string): string;
  /** Files for the user of the cache, which the task's cannot read. */
  filesFor(user: User | undefined): Promise<OwnedFiles>;
  wipe(): Promise<void>;
}

export interface WorkspaceOptions {
  workDir: string;
  /** Unique on this machine at a time. */
  name: string;
  /** User of the task, if not the agent's own, and the way to remove what is that user's. */
  owner?: { readonly user: User; readonly remove: Remove } | undefined;
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

/** Maximum retries when a task starts just as the last one ends and removes the parent folder. */
const maxSecretsTries = 5;

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

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

/**
 * Longest path of a folder for temporary files. A Unix socket's path has at most 107 bytes (unix(7)), and
 * Terraform's providers need 39 of them in TMPDIR, Python's multiprocessing 32, gpg-agent 28 in HOME.
 */
const maxTemporaryBytes = 64;

const temporaryIn = (home: string) => join(home, 'tmp');

/** Creates a link to the folder in `above`, unless the folder's path is short. Returns the shorter path. */
const shorten = async (folder: string, above: string): Promise<string> => {
  const link = join(above, randomBytes(4).toString('hex'));
  const bytesOf = (home: string) => Buffer.byteLength(temporaryIn(home));
  if (bytesOf(folder) <= maxTemporaryBytes || bytesOf(link) >= bytesOf(folder)) return folder;
  await symlink(resolve(folder), link);
  return link;
};

/** Folder of the links to homes. */
const homesIn = (workDir: string) => join(workDir, 'homes');

/**
 * Makes the home of the user by passwd(5) a link to that of the task, as Ansible and ssh take it for the home
 * whatever HOME says. An installation puts it into the working folder. Returns the link.
 */
const linkHome = async (workDir: string, user: User | undefined, folder: string): Promise<string[]> => {
  if (!user || dirname(user.home) !== homesIn(workDir)) return [];
  await mkdir(dirname(user.home), { recursive: true, mode: 0o700 });
  await chmod(dirname(user.home), 0o711);
  await rm(user.home, { force: true });
  await symlink(folder, user.home);
  return [user.home];
};

/** Makes a folder that stays the agent's, and that the user may enter and read. */
const makeReadable = async (folder: string, user: User | undefined): Promise<void> => {
  await mkdir(folder, { mode: 0o700 });
  if (!user) return;
  await lchown(folder, process.getuid?.() ?? 0, user.gid);
  await chmod(folder, 0o750);
};

/** Makes a folder with empty ones in it, and gives all away. The agent writes nothing in it from then on. */
const makeGiven = async (
  folder: string,
  user: User | undefined,
  inner: readonly string[] = [],
): Promise<void> => {
  const folders = [folder, ...inner];
  for (const path of folders) await mkdir(path, { mode: 0o700 });
  if (user) for (const path of folders.toReversed()) await lchown(path, user.uid, user.gid);
};

/** Writes a new file in folders of the agent, and gives it away. */
const writeFor = async (
  user: User | undefined,
  path: string,
  content: string,
  mode: number,
): Promise<string> => {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(content);
    if (user) await file.chown(user.uid, user.gid);
  } finally {
    await file.close();
  }
  return path;
};

interface Folders {
  secrets: string;
  plain: string;
}

const makeFiles = async (user: User | undefined, { secrets, plain }: Folders): Promise<OwnedFiles> => {
  for (const folder of [secrets, plain]) await makeReadable(folder, user);
  const made = new Set([plain]);
  return {
    writePrivate: (name, content) => writeFor(user, join(secrets, name), content, 0o600),
    writePlain: async (name, content, mode = 0o600) => {
      const path = join(plain, name);
      const folder = dirname(path);
      if (!made.has(folder)) await makeReadable(folder, user);
      made.add(folder);
      return writeFor(user, path, content, mode);
    },
  };
};

/** Creates the folders of a task. */
export const createWorkspace = async ({ workDir, name, owner }: WorkspaceOptions): Promise<Workspace> => {
  const { user, remove = removeOwn } = owner ?? {};
  const root = join(tasksIn(workDir), name);
  await remove(root);
  for (const folder of secretsFoldersOf(workDir)) await remove(join(folder, name));
  const secretsDir = await makeSecrets(workDir, name);
  const secrets = join(secretsDir, name);
  await mkdir(root, { recursive: true, mode: 0o700 });
  // Other users pass through and read no names: they know the paths of what is theirs.
  if (user)
    for (const folder of [workDir, tasksIn(workDir), root, secretsDir, secrets]) await chmod(folder, 0o711);
  const [homeFolder, source, own] = [join(root, 'home'), join(root, 'source'), join(secrets, 'rw')];
  await makeGiven(homeFolder, user, [temporaryIn(homeFolder)]);
  for (const folder of [source, own]) await makeGiven(folder, user);
  const home = await shorten(homeFolder, secretsDir);
  const links = await linkHome(workDir, user, homeFolder);
  if (home !== homeFolder) links.push(home);
  const foldersOf = (kind: string): Folders => ({
    secrets: join(secrets, kind),
    plain: join(root, `files-${kind}`),
  });
  return {
    root,
    home,
    source,
    temporary: temporaryIn(home),
    ...(await makeFiles(user, foldersOf('task'))),
    writeScript: async (file, content) => {
      const folder = join(root, 'script');
      await mkdir(folder, { mode: 0o700 });
      const path = await writeFor(user, join(folder, file), content, 0o600);
      if (user) await lchown(folder, user.uid, user.gid);
      return path;
    },
    privatePath: (file) => join(own, file),
    filesFor: (other) => makeFiles(other, foldersOf('cache')),
    wipe: async () => {
      await Promise.all([secrets, root, ...links].map(remove));
      await dropSecretsFolder(workDir);
    },
  };
};

/**
 * Removes the remains of tasks when the agent or the machine ended without warning. No process of a task may
 * be left: one could lead root elsewhere.
 */
export const sweepWorkspaces = async (workDir: string): Promise<void> => {
  for (const folder of [...secretsFoldersOf(workDir), tasksIn(workDir), homesIn(workDir)]) {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) => {
      throw new TaskError(`Cannot remove what earlier tasks left in ${folder}: ${messageOf(error)}`);
    });
  }
  await mkdir(tasksIn(workDir), { recursive: true, mode: 0o700 });
};
