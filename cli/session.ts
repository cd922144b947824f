/** Connection and project of the commands. */
import type { Project } from '../protocol/project.ts';
import { type Api, createApi } from './api.ts';
import { type Client, type Connection, type Credential, createClient } from './client.ts';
import type { Environment } from './environment.ts';
import { CliError, exitCodes } from './errors.ts';
import { pick } from './names.ts';
import type { Store, Stored } from './store.ts';

export interface SessionOptions {
  readonly env: Environment;
  readonly store: Store;
  readonly version: string;
  readonly fetch: typeof fetch;
}

const credentialOf = (stored: Stored | undefined): Credential | undefined => {
  if (stored?.token !== undefined) return { token: stored.token };
  return stored?.cookie === undefined ? undefined : { cookie: stored.cookie };
};

/** Chooses the connection. The environment wins over the sign-in, which is valid only for its own URL. */
const connectionOf = (env: Environment, stored: Stored | undefined): Connection => {
  const url = env.REVEILLE_URL ?? stored?.url;
  if (url === undefined) {
    throw new CliError(
      exitCodes.notAllowed,
      'Sign in first: reveille login --url https://…, or set REVEILLE_URL and REVEILLE_TOKEN',
    );
  }
  if (env.REVEILLE_TOKEN !== undefined) return { url, credential: { token: env.REVEILLE_TOKEN } };
  const credential = stored?.url === url ? credentialOf(stored) : undefined;
  if (credential) return { url, credential };
  throw new CliError(
    exitCodes.notAllowed,
    `Sign in to ${url} first: reveille login --url ${url}, or set REVEILLE_TOKEN`,
  );
};

export interface Session {
  readonly url: string;
  readonly client: Client;
  readonly api: Api;
  /** Finds the project: `given` by name or id, else the chosen one, else the only one. */
  project(given: string | undefined): Promise<Project>;
}

export const openSession = async ({ env, store, version, fetch }: SessionOptions): Promise<Session> => {
  const stored = await store.read();
  const connection = connectionOf(env, stored);
  const client = createClient({ ...connection, version, fetch });
  const api = createApi(client);
  return {
    url: connection.url,
    client,
    api,
    project: async (given) => {
      const all = await api.projects();
      const chosen = stored?.url === connection.url ? stored.project : undefined;
      const wanted = given ?? env.REVEILLE_PROJECT ?? chosen;
      if (wanted !== undefined) return pick('project', all, wanted);
      const [only, ...others] = all;
      if (only && others.length === 0) return only;
      if (!only)
        throw new CliError(
          exitCodes.notFound,
          'You have no role in any project: ask an owner of one to invite you.',
        );
      const names = all.map(({ name }) => name).join(', ');
      throw new CliError(
        exitCodes.usage,
        `Choose a project: --project NAME, REVEILLE_PROJECT, or for all commands: reveille project use NAME. There are: ${names}`,
      );
    },
  };
};
