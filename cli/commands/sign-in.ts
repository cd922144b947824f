/** `login`, `logout`, `whoami`. */

import type { Command } from 'commander';
import { login as signIn, logout as signOut } from '../../protocol/endpoints/people.ts';
import { createApi, type Me } from '../api.ts';
import { type Client, type Credential, createClient } from '../client.ts';
import { stackUrl } from '../environment.ts';
import { ApiProblem, CliError, exitCodes } from '../errors.ts';
import { facts } from '../text.ts';
import { type CommandContext, type JsonFlag, print, withJson } from './context.ts';

interface LoginFlags {
  readonly url?: string;
  readonly email?: string;
  readonly passwordFile?: string;
  readonly totp?: string;
  readonly tokenFile?: string;
}

const usage = (message: string) => new CliError(exitCodes.usage, message);

const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Loads the questions; throws when the user cannot answer any. */
const questions = async ({ terminal }: CommandContext) => {
  if (terminal.canAsk) return import('../ask.ts');
  throw usage(
    'This terminal is not interactive: give --url, and --token-file or --email and --password-file; or set REVEILLE_URL and REVEILLE_TOKEN',
  );
};

/** Rejects a URL over which a password would leave this machine without TLS. */
const requireSafe = (url: string): void => {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'http:' && !loopback.test(hostname)) {
    throw usage(`${url} is not encrypted: sign in at its https URL`);
  }
};

/** Returns the session cookie without its attributes. */
const cookieOf = (response: Response): string => {
  const [cookie] = response.headers.getSetCookie();
  const pair = cookie?.split(';')[0];
  if (!pair)
    throw new CliError(exitCodes.failed, 'The answer to the sign-in has no cookie: does a proxy remove it?');
  return pair;
};

/** Signs in, and asks for missing values. */
const signInByPassword = async (
  context: CommandContext,
  client: Client,
  flags: LoginFlags,
): Promise<Credential> => {
  const email = flags.email ?? (await (await questions(context)).askEmail());
  const password =
    flags.passwordFile === undefined
      ? await (await questions(context)).askPassword()
      : (await context.readText(flags.passwordFile)).replace(/\r?\n$/, '');
  const send = async (totp?: string): Promise<Credential> => {
    const body = { email, password, totp };
    return { cookie: cookieOf(await client.send(signIn, { body })) };
  };
  try {
    return await send(flags.totp);
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.code !== 'totp_required') throw error;
    if (!context.terminal.canAsk) throw usage('This sign-in needs the code of an authenticator: give --totp');
    return send((await (await questions(context)).askCode()).trim());
  }
};

const whoIs = (me: Me): string => (me.user ? `${me.name} (${me.user.email})` : `the API token ${me.name}`);

const urlFrom = async (context: CommandContext, flags: LoginFlags, preset: string | undefined) => {
  const given = flags.url ?? context.env.REVEILLE_URL;
  if (given === undefined) return (await questions(context)).askUrl(preset);
  const parsed = stackUrl.safeParse(given);
  if (parsed.success) return parsed.data;
  throw usage(`${given} is not an http or https URL`);
};

const credentialFrom = async (
  context: CommandContext,
  url: string,
  flags: LoginFlags,
): Promise<Credential> => {
  if (flags.tokenFile !== undefined) return { token: (await context.readText(flags.tokenFile)).trim() };
  const way = flags.email === undefined ? await (await questions(context)).askWay() : 'password';
  if (way === 'token') return { token: (await (await questions(context)).askToken()).trim() };
  const { version, fetch } = context;
  return signInByPassword(context, createClient({ url, version, fetch }), flags);
};

const login = async (context: CommandContext, flags: LoginFlags): Promise<void> => {
  const { store, terminal, version, fetch } = context;
  const before = await store.read();
  const url = await urlFrom(context, flags, before?.url);
  requireSafe(url);
  const credential = await credentialFrom(context, url, flags);
  const me = await createApi(createClient({ url, credential, version, fetch })).me();
  const project = before?.url === url ? before.project : undefined;
  await store.write({ url, ...credential, project });
  await terminal.err.write(`Signed in to ${url} as ${whoIs(me)}. The sign-in is kept in ${store.path}.\n`);
};

const logout = async ({ store, terminal, version, fetch }: CommandContext): Promise<void> => {
  const stored = await store.read();
  if (!stored) {
    await terminal.err.write('You were not signed in.\n');
    return;
  }
  await store.remove();
  const { url, cookie } = stored;
  if (cookie !== undefined) {
    // The sign-in is already removed here, even if the server cannot end it.
    const ended = createClient({ url, credential: { cookie }, version, fetch }).send(signOut, {});
    await ended.catch(() =>
      terminal.err.write(`${url} did not confirm the sign-out; the sign-in expires there later.\n`),
    );
  }
  const note = cookie === undefined ? ' The API token stays good until it is revoked.' : '';
  await terminal.err.write(`Signed out of ${url}.${note}\n`);
};

const showMe =
  (url: string, nameOf: ReadonlyMap<string, string>) =>
  (me: Me): string =>
    facts({
      Who: whoIs(me),
      Stack: url,
      Admin: me.isAdmin ? 'yes: may do everything in every project' : undefined,
      Roles:
        Object.entries(me.roles)
          .map(([id, role]) => `${role} of ${nameOf.get(id) ?? id}`)
          .join(', ') || undefined,
    });

export const addSignInCommands = (cli: Command, context: CommandContext): void => {
  cli
    .command('login')
    .description('Sign in, by password or with an API token')
    .option('-u, --url <url>', 'of the console')
    .option('-e, --email <email>', 'sign in by password as this person')
    .option('--password-file <file>', 'with the password in this file; "-" is standard input')
    .option('--totp <code>', 'the code of your authenticator')
    .option('--token-file <file>', 'sign in with the API token in this file; "-" is standard input')
    .addHelpText(
      'after',
      `
It asks for what is not given. A sign-in by password lasts 12 hours and may do what its person may. An API token has a role in one project; for programs
set REVEILLE_URL and REVEILLE_TOKEN instead of signing in.

Examples:
  reveille login --url https://reveille.example.com
  pass show reveille-token | reveille login --url https://reveille.example.com --token-file -`,
    )
    .action((flags: LoginFlags) => login(context, flags));
  cli
    .command('logout')
    .description('Sign out, and forget the sign-in')
    .action(() => logout(context));
  withJson(cli.command('whoami').description('Who you are here, and what you may do where')).action(
    async (flags: JsonFlag) => {
      const { api, url } = await context.openSession();
      const [me, projects] = await Promise.all([api.me(), api.projects()]);
      const names = new Map<string, string>(projects.map(({ id, name }) => [id, name]));
      await print(context, flags, me, showMe(url, names));
    },
  );
};
