/** Runs programs as another user than the agent's, with util-linux's setpriv. Only root can do that. */
import { requireProgram } from './programs.ts';

/** User of this machine. */
export interface User {
  name: string;
  uid: number;
  gid: number;
  /** Home by passwd(5), as `~name` and ssh find it. */
  home: string;
}

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
  /** Folder in which the program starts. */
  cwd: string;
  environment: Record<string, string>;
}

/** Paths of programs of util-linux and coreutils. */
export interface RunAsPrograms {
  setpriv: string;
  env: string;
}

/** Searches `path`, which is like PATH. Throws a TaskError that names what to install. */
export const findRunAsPrograms = async (path: string): Promise<RunAsPrograms> => ({
  setpriv: await requireProgram(path, 'setpriv', 'the package util-linux'),
  env: await requireProgram(path, 'env', 'the package coreutils'),
});

/** Identity of a program: a user, and groups beside the user's own. */
export interface Identity {
  user: User;
  /** Replaces the groups that the system lists for the user. */
  groups?: readonly number[];
  /** Replaces the agent's umask (umask(2)), in octal. */
  umask?: string;
}

/**
 * Returns the command that runs the given one with that identity, without a way back. The user itself changes
 * to the folder: a task may have put a link in its place, which root would follow.
 */
export const commandAs = (
  { user, groups, umask }: Identity,
  { setpriv, env }: RunAsPrograms,
  { program, args, cwd, environment }: Command,
): Command => {
  const flags = [
    ...['--reuid', String(user.uid), '--regid', String(user.gid)],
    ...(groups ? ['--groups', groups.join(',')] : ['--init-groups']),
    ...['--inh-caps=-all', '--no-new-privs'],
  ];
  const masked = umask === undefined ? [] : ['sh', '-c', `umask ${umask} && exec "$@"`, 'sh'];
  const variables = Object.entries(environment);
  const late = variables
    .filter(([name]) => unsafeForRoot.test(name))
    .map(([name, value]) => `${name}=${value}`);
  return {
    program: setpriv,
    args: [...flags, '--', env, `--chdir=${cwd}`, ...late, ...masked, program, ...args],
    cwd: '/',
    environment: Object.fromEntries(variables.filter(([name]) => !unsafeForRoot.test(name))),
  };
};
