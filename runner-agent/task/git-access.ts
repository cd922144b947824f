/**
 * Access of git to a task's repository: its keys, the server that each is for, and the project's variables.
 */
import type { TaskPayload } from '../../protocol/agent.ts';
import type { KeySecret } from '../../protocol/key.ts';
import { TaskError } from '../errors.ts';
import { decodeUrlPart, type GitServer, type GitUrl, isLocal, parseGitUrl } from './git-url.ts';
import { quote, type SshKeyFile, sshCommand, sshString, writeSshKey } from './ssh.ts';
import type { OwnedFiles } from './workspace.ts';

type Repository = Pick<NonNullable<TaskPayload['repository']>, 'url' | 'key'>;

/**
 * Variables of a project, secret or not, that git of the cache gets. Others would make it load a library
 * (LD_PRELOAD), run a program (GIT_SSH_COMMAND, PATH), write a file (GIT_TRACE), or check no certificate.
 */
const variablesForGit: ReadonlySet<string> = new Set([
  ...['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]),
  ...['GIT_SSL_CAINFO', 'GIT_SSL_CAPATH', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  'GIT_LFS_SKIP_SMUDGE',
]);

/** Returns true for a variable that git of the cache gets. */
export const isGitVariable = (name: string): boolean => variablesForGit.has(name);

export const gitVariables = (variables: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => variablesForGit.has(name)));

interface Login {
  user: string | undefined;
  password: string;
}

/** Login from the key, or without a key from the URL, where a token may be the user of an empty password. */
const loginFor = (key: KeySecret | undefined, parsed: GitUrl): Login | undefined => {
  const user = parsed.user === undefined ? undefined : decodeUrlPart(parsed.user);
  switch (key?.type) {
    case 'login_password':
      return { user: user ?? key.login, password: key.password };
    case 'string':
      // Git hosts accept an access token as the password of any user.
      return { user: user ?? 'git', password: key.value };
    default:
      if (user === undefined && parsed.password === undefined) return undefined;
      return { user, password: decodeUrlPart(parsed.password ?? '') };
  }
};

/** Removes the line end of a pasted token: git reads one line. */
const firstLine = (text: string) => text.split(/[\r\n]/, 1)[0] ?? '';

/** Quotes a string for git's config format (git-config(1)). */
const configString = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/**
 * Config of git in the workspace, which is the task's own. The cache belongs to another user, and a
 * repository that is a path on the runner may belong to anybody. This has to stand in a file, as git hides
 * variables from the program that serves a path (safe.directory in git-config(1)).
 */
export const workspaceConfig = `[include]
	path = ~/.gitconfig
[safe]
	directory = *
`;

/**
 * Config of git in the cache: nothing of the task or of the user. A repository that is a path on the runner
 * may belong to anybody.
 */
export const cacheConfig = `[core]
	hooksPath = /dev/null
[safe]
	directory = *
`;

/**
 * Returns git config with a helper that knows the login and is used for this server only. git compares
 * scheme, host and port with those of the URL that it calls, also for submodules and after a redirect
 * (gitcredentials(7)).
 */
const credentialConfig = async (
  files: OwnedFiles,
  { scheme, host, port }: GitServer,
  { user = '', password }: Login,
): Promise<string> => {
  const login = await files.writePrivate('git-login', `username=${firstLine(user)}\n`);
  const secret = await files.writePrivate('git-password', `password=${firstLine(password)}\n`);
  // A user in the URL that git calls is kept.
  const script = `#!/bin/sh
[ "$1" = get ] || exit 0
grep -q '^username=' || cat ${quote(login)}
cat ${quote(secret)}
`;
  const helper = await files.writePlain('git-credential', script, 0o700);
  const address = host.includes(':') ? `[${host}]` : host;
  const server = `${scheme}://${address}${port === undefined ? '' : `:${port}`}`;
  return `[credential ${configString(server)}]
	helper = ${configString(`!${quote(helper)}`)}
`;
};

const noHost = (url: string) =>
  new TaskError(
    `No host can be read from ${url}, so its key can be given to none: correct the repository's URL`,
  );

/** Returns git config; empty when the server needs no login. */
const webConfig = async (files: OwnedFiles, key: KeySecret | undefined, parsed: GitUrl): Promise<string> => {
  const { url, server } = parsed;
  const login = loginFor(key, parsed);
  if (!login || !/^https?:/.test(url)) return '';
  if (!server) throw noHost(url);
  if (server.scheme === 'http') {
    throw new TaskError(
      `The password for ${url} would travel unencrypted: use an https URL, or leave the key and the login in the URL out`,
    );
  }
  return credentialConfig(files, server, login);
};

/** Writes an ssh config that offers the key to this host only, and leaves the rest to ssh's own configs. */
const keyConfig = (files: OwnedFiles, { host }: GitServer, { path }: SshKeyFile): Promise<string> => {
  const names = [...new Set([host, host.toLowerCase()])].join(',');
  const config = `Match originalhost ${names}
  IdentityFile ${sshString(path)}
  IdentitiesOnly yes
Match all
  Include ~/.ssh/config
  Include /etc/ssh/ssh_config
`;
  return files.writePlain('git-ssh-config', config);
};

const sshEnvironment = async (
  files: OwnedFiles,
  key: KeySecret | undefined,
  { url, server }: GitUrl,
  hostKeyOptions: string,
): Promise<Record<string, string>> => {
  const options = `-o PasswordAuthentication=no -o KbdInteractiveAuthentication=no ${hostKeyOptions}`;
  if (key?.type !== 'ssh') return { GIT_SSH_COMMAND: sshCommand(options) };
  if (!server) {
    if (isLocal(url)) return { GIT_SSH_COMMAND: sshCommand(options) };
    throw noHost(url);
  }
  const file = await writeSshKey(files, 'git', key);
  const config = await keyConfig(files, server, file);
  return { ...file.environment, GIT_SSH_COMMAND: sshCommand(`-F ${quote(config)} ${options}`) };
};

export interface GitAccess {
  /** Files of the user that git runs as. */
  files: OwnedFiles;
  repository: Repository;
  /** Options of ssh that set the accepted host keys. */
  hostKeyOptions: string;
  /** Begin of git's config: workspaceConfig or cacheConfig. */
  config: string;
}

/**
 * Environment with which git reaches the repository without prompts, also when galaxy or terraform calls it.
 */
export const gitEnvironmentFor = async ({
  files,
  repository: { url, key },
  hostKeyOptions,
  config,
}: GitAccess): Promise<Record<string, string>> => {
  const parsed = parseGitUrl(url);
  return {
    GIT_TERMINAL_PROMPT: '0',
    ...(await sshEnvironment(files, key, parsed, hostKeyOptions)),
    GIT_CONFIG_GLOBAL: await files.writePlain('git-config', config + (await webConfig(files, key, parsed))),
  };
};
