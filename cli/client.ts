/** Calls of the API: parses answers with the protocol's schemas, and turns errors into ApiProblem. */
import type * as z from 'zod';
import { problem } from '../protocol/problem.ts';
import { ApiProblem, messageOf } from './errors.ts';

/** Credential of the user: an API token, or the cookie of a sign-in. */
export type Credential = { readonly token: string } | { readonly cookie: string };

export interface Connection {
  /** URL of the console or the API, without a trailing slash. */
  readonly url: string;
  readonly credential?: Credential | undefined;
}

export type Query = Readonly<Record<string, string | number | undefined>>;

export interface ClientOptions extends Connection {
  readonly version: string;
  readonly fetch: typeof fetch;
}

export interface Client {
  get<T>(path: string, schema: z.ZodType<T>, query?: Query): Promise<T>;
  post<T>(path: string, schema: z.ZodType<T>, body?: unknown): Promise<T>;
  /** Posts a request whose answer has no content. */
  tell(path: string): Promise<void>;
  /** Returns the raw answer. */
  send(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Response>;
}

const timeoutMs = 35_000;

const withQuery = (path: string, query: Query): string => {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) given.set(name, String(value));
  }
  return given.size === 0 ? path : `${path}?${given}`;
};

/** Headers of the credential. With a cookie they also prove that no other site's page sends the request. */
const proofOf = (url: string, credential: Credential | undefined): Record<string, string> => {
  if (credential === undefined) return {};
  return 'token' in credential
    ? { authorization: `Bearer ${credential.token}` }
    : { cookie: credential.cookie, origin: new URL(url).origin, 'x-reveille-csrf': '1' };
};

const causeOf = (error: unknown): string =>
  error instanceof Error && error.cause instanceof Error ? error.cause.message : messageOf(error);

const problemOf = async (response: Response): Promise<ApiProblem> => {
  const parsed = problem.safeParse(await response.json().catch(() => undefined));
  return new ApiProblem(
    parsed.data ?? {
      status: response.status,
      code: 'unexpected',
      detail: `${new URL(response.url).origin} answered ${response.status} and no explanation: is this the URL of a Reveille stack?`,
    },
  );
};

export const createClient = ({ url, credential, version, fetch }: ClientOptions): Client => {
  const send: Client['send'] = async (method, path, body) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        'user-agent': `reveille/${version}`,
        ...proofOf(url, credential),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // A credential is for this URL, and not for a redirect's target.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((error: unknown) => {
      const detail = `${url} does not answer (${causeOf(error)}): check the URL and your connection.`;
      throw new ApiProblem({ status: 0, code: 'unreachable', detail });
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  };

  const read = async <T>(response: Response, schema: z.ZodType<T>): Promise<T> => {
    const parsed = schema.safeParse(await response.json().catch(() => undefined));
    if (parsed.success) return parsed.data;
    const detail = `${url} answered something that this version (${version}) does not understand: use the reveille of that stack's release.`;
    throw new ApiProblem({ status: response.status, code: 'unexpected', detail });
  };

  return {
    send,
    get: async (path, schema, query = {}) => read(await send('GET', withQuery(path, query)), schema),
    post: async (path, schema, body) => read(await send('POST', path, body), schema),
    tell: async (path) => {
      await send('POST', path);
    },
  };
};
