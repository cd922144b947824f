/** Runs tasks as another user than the agent's, with util-linux's setpriv. Only root can do that. */
import { execFile } from 'node:child_process';
import { lchown, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../errors.ts';

export interface RunAs {
  user: string;
  uid: number;
  gid: number;
}

const run = promisify(execFile);

const idOf = async (flag: '-u' | '-g', user: string): Promise<number> =>
  Number((await run('id', [flag, '--', user])).stdout.trim());

/** Looks up the user. Throws ConfigError when there is none, or the agent may not switch to it. */
export const findUser = async (user: string): Promise<RunAs> => {
  if (process.getuid?.() !== 0) {
    throw new ConfigError(
      `Only root can run tasks as ${user}: start the agent as root, or leave --run-as out`,
    );
  }
  try {
    return { user, uid: await idOf('-u', user), gid: await idOf('-g', user) };
  } catch (error) {
    throw new ConfigError(`There is no user ${user}: make it, or correct --run-as`, { cause: error });
  }
};

/**
 * Variables with which the C library loads code or reads files that its caller chose. glibc ignores them in
 * setuid programs (sysdeps/generic/unsecvars.h) but not in setpriv, which root starts with the variables of
 * the project.
 */
const unsafeForRoot =
  /^(LD_.*|MALLOC_.*|GLIBC_TUNABLES|GCONV_PATH|GETCONF_DIR|HOSTALIASES|LANGUAGE|LOCALDOMAIN|LOCPATH|NIS_PATH|NLSPATH|RESOLV_HOST_CONF|RES_OPTIONS|TZDIR)$/;

export interface Command {
  program: string;
  args: string[];
  environment: Record<string, string>;
}

/** Paths of programs of util-linux and coreutils. */
export interface RunAsPrograms {
  setpriv: string;
  env: string;
}

/** Returns the command that runs the given one as that user, without a way back. */
export const commandAs = (
  { uid, gid }: RunAs,
  { setpriv, env }: RunAsPrograms,
  { program, args, environment }: Command,
): Command => {
  const flags = ['--reuid', String(uid), '--regid', String(gid), '--init-groups', '--no-new-privs'];
  const variables = Object.entries(environment);
  const late = variables
    .filter(([name]) => unsafeForRoot.test(name))
    .map(([name, value]) => `${name}=${value}`);
  return {
    program: setpriv,
    args: [...flags, '--', ...(late.length > 0 ? [env, ...late] : []), program, ...args],
    environment: Object.fromEntries(variables.filter(([name]) => !unsafeForRoot.test(name))),
  };
};

/** Gives a folder and everything in it to the user. Links are not followed. */
export const giveTo = async (path: string, to: RunAs): Promise<void> => {
  await lchown(path, to.uid, to.gid);
  const entries = await readdir(path, { withFileTypes: true });
  for (const entry of entries) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) await giveTo(inside, to);
    else await lchown(inside, to.uid, to.gid);
  }
};
