/** Calls of the API: parses answers with the protocol's schemas, and turns errors into ApiProblem. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type AnswerOf, type CallOf, parseAnswer, targetOf } from '../protocol/endpoints/call.ts';
import type { Endpoint } from '../protocol/endpoints/endpoint.ts';
import { type Patience, sendPatiently } from '../protocol/endpoints/patience.ts';
import { problem } from '../protocol/problem.ts';
import { ApiProblem, messageOf } from './errors.ts';

/** Credential of the user: an API token, or the cookie of a sign-in. */
export type Credential = { readonly token: string } | { readonly cookie: string };

export interface Connection {
  /** URL of the console or the API, without a trailing slash. */
  readonly url: string;
  readonly credential?: Credential;
}

export interface ClientOptions extends Connection {
  readonly version: string;
  readonly fetch: typeof fetch;
  /** Repeats of calls while the control plane is busy. */
  readonly patience?: Patience;
}

const ownPatience: Patience = { pause, random: Math.random, newKey: randomUUID };

export interface Client {
  /** Calls an endpoint and returns its parsed answer. */
  call<E extends Endpoint>(endpoint: E, given: CallOf<E>): Promise<AnswerOf<E>>;
  /** Calls an endpoint and returns the raw answer. */
  send<E extends Endpoint>(endpoint: E, given: CallOf<E>): Promise<Response>;
}

const timeoutMs = 35_000;

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
      detail: `${new URL(response.url).origin} answered ${response.status} without an explanation: is this the URL of a Reveille stack?`,
    },
  );
};

export const createClient = ({
  url,
  credential,
  version,
  fetch,
  patience = ownPatience,
}: ClientOptions): Client => {
  const sendOnce = <E extends Endpoint>(
    endpoint: E,
    given: CallOf<E>,
    headers: Readonly<Record<string, string>>,
  ): Promise<Response> => {
    const { body } = given;
    return fetch(`${url}${targetOf(endpoint, given)}`, {
      method: endpoint.method.toUpperCase(),
      headers: {
        accept: 'application/json',
        'user-agent': `reveille/${version}`,
        ...proofOf(url, credential),
        ...headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      // A credential is for this URL, and not for a redirect's target.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((error: unknown) => {
      const detail = `${url} does not answer (${causeOf(error)}): check the URL and your connection.`;
      throw new ApiProblem({ status: 0, code: 'unreachable', detail });
    });
  };

  const send: Client['send'] = async (endpoint, given) => {
    const response = await sendPatiently(endpoint, patience, (headers) => sendOnce(endpoint, given, headers));
    if (!response.ok) throw await problemOf(response);
    return response;
  };

  return {
    send,
    call: async (endpoint, given) => {
      const response = await send(endpoint, given);
      const json: unknown = await response.json().catch(() => undefined);
      try {
        return parseAnswer(endpoint, json);
      } catch {
        const detail = `This version (${version}) does not understand the answer of ${url}: use the reveille of that stack's release.`;
        throw new ApiProblem({ status: response.status, code: 'unexpected', detail });
      }
    },
  };
};
