/** Runs short shell scripts as another user: to remove, read and look up what only that user may touch. */
import { execFile } from 'node:child_process';
import { requireProgram } from './programs.ts';
import { commandAs, findRunAsPrograms, type User } from './run-as.ts';

/** Runs a script of sh. Resolves to its output; undefined when it fails, or is ended by `signal`. */
export type UserShell = (
  user: Pick<User, 'uid' | 'gid'>,
  script: string,
  args?: readonly string[],
  signal?: AbortSignal,
) => Promise<string | undefined>;

/** Limit of a script's output. */
const maxOutputBytes = 4 * 1024 * 1024;

/** Programs of the scripts, and the packages that have them. */
const programsOfScripts = { sh: 'dash', chmod: 'coreutils', find: 'findutils', ipcrm: 'util-linux' };

/** The scripts find their programs in `path`, which is like PATH. Throws a TaskError when one is missing. */
export const createUserShell = async (path: string): Promise<UserShell> => {
  const programs = await findRunAsPrograms(path);
  for (const [program, name] of Object.entries(programsOfScripts))
    await requireProgram(path, program, `the package ${name}`);
  return ({ uid, gid }, script, args = [], signal) => {
    const identity = { user: { name: '', uid, gid, home: '/' }, groups: [gid] };
    const environment = { PATH: path, LC_ALL: 'C' };
    const call = { program: 'sh', args: ['-c', script, 'sh', ...args], cwd: '/', environment };
    const command = commandAs(identity, programs, call);
    return new Promise((resolve) => {
      execFile(
        command.program,
        command.args,
        {
          cwd: command.cwd,
          env: command.environment,
          maxBuffer: maxOutputBytes,
          killSignal: 'SIGKILL',
          signal,
        },
        (error, stdout) => resolve(error ? undefined : stdout),
      );
    });
  };
};
