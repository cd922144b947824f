/**
 * Folders of the projects' repositories. With separation, each belongs to a user that only its project has.
 */
import { chmod, lchown, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TaskError } from '../errors.ts';
import { withPathLock } from '../process/path-lock.ts';
import type { User } from '../process/run-as.ts';
import type { Separation } from '../process/separation.ts';

/** Folder of a project's repositories during its use. */
export interface Cache {
  readonly folder: string;
  /** User that alone may write in the folder, if not the agent's own. Its group may read. */
  readonly user: User | undefined;
  /** Ends the use: from then on the folder may be removed for another project. */
  close(): void;
}

export interface Caches {
  open(projectId: string): Promise<Cache>;
}

const folderIn = (workDir: string) => join(workDir, 'repositories');

interface Place {
  readonly projectId: string;
  readonly user: User;
  uses: number;
  /** Epoch ms. */
  lastUsedAt: number;
}

const never = new AbortController().signal;

/** Reads which project has which user: the owner of its folder. Removes a folder of anybody else. */
const readPlaces = async (workDir: string, users: readonly User[]): Promise<Map<string, Place>> => {
  const above = folderIn(workDir);
  await mkdir(above, { recursive: true, mode: 0o700 });
  await chmod(workDir, 0o711);
  await chmod(above, 0o711);
  const places = new Map<string, Place>();
  for (const projectId of await readdir(above)) {
    const { uid, mtimeMs } = await lstat(join(above, projectId));
    const user = users.find((one) => one.uid === uid);
    const isTaken = [...places.values()].some((place) => place.user === user);
    if (user && !isTaken) places.set(projectId, { projectId, user, uses: 0, lastUsedAt: mtimeMs });
    else await rm(join(above, projectId), { recursive: true, force: true });
  }
  return places;
};

/** Without separation, the folders are the agent's own. No task runs yet. */
export const openCaches = async (workDir: string, separation: Separation | undefined): Promise<Caches> => {
  const above = folderIn(workDir);
  if (!separation) {
    return {
      open: async (projectId) => {
        const folder = join(above, projectId);
        await mkdir(folder, { recursive: true, mode: 0o700 });
        return { folder, user: undefined, close: () => undefined };
      },
    };
  }
  const { cacheUsers } = separation;
  const places = await readPlaces(workDir, cacheUsers);

  /** Takes a free user, or that of the project that was idle for longest, whose repositories are removed. */
  const takeUser = async (): Promise<User> => {
    const taken = [...places.values()];
    const free = cacheUsers.find((user) => taken.every((place) => place.user !== user));
    if (free) return free;
    const [oldest] = taken
      .filter(({ uses }) => uses === 0)
      .toSorted((one, other) => one.lastUsedAt - other.lastUsedAt);
    if (!oldest)
      throw new TaskError('All users for repositories are in use on this runner: start the task again');
    const folder = join(above, oldest.projectId);
    await separation.clean(oldest.user, () => separation.remove(folder));
    places.delete(oldest.projectId);
    return oldest.user;
  };

  const place = async (projectId: string): Promise<Place> => {
    const found = places.get(projectId);
    if (found) return found;
    const made = { projectId, user: await takeUser(), uses: 0, lastUsedAt: Date.now() };
    const folder = join(above, projectId);
    await mkdir(folder, { mode: 0o750 });
    await chmod(folder, 0o750);
    await lchown(folder, made.user.uid, made.user.gid);
    places.set(projectId, made);
    return made;
  };

  return {
    open: (projectId) =>
      withPathLock(above, never, async () => {
        const used = await place(projectId);
        used.uses += 1;
        return {
          folder: join(above, projectId),
          user: used.user,
          close: () => {
            used.uses -= 1;
            used.lastUsedAt = Date.now();
          },
        };
      }),
  };
};
