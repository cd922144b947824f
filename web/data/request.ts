/**
 * Calls the API: same origin, signed in by cookie, answers parsed by the protocol's schemas. Hono's typed
 * client would need the types of the routes, which `web` may not import: it imports `protocol` only.
 */

import type * as z from 'zod';
import { type Problem, problem } from '../../protocol/index.ts';

/** Error of a request that the API refused or that did not reach it. `message` is a sentence for the user. */
export class ApiProblem extends Error {
  readonly code: string;
  readonly status: number;
  /** Messages by the path of a field, such as `tags.0`. */
  readonly fieldErrors: Readonly<Record<string, string>>;

  constructor({ code, status, detail, errors = [] }: Pick<Problem, 'code' | 'status' | 'detail' | 'errors'>) {
    super(detail);
    this.name = 'ApiProblem';
    this.code = code;
    this.status = status;
    this.fieldErrors = Object.fromEntries(errors.map(({ path, message }) => [path, message]));
  }
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Options {
  readonly body?: unknown;
  readonly query?: Query;
  readonly signal?: AbortSignal | undefined;
  /** Token sent instead of the cookie, for the first set-up. */
  readonly token?: string;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

const withQuery = (path: string, query: Query = {}): string => {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
};

export const unreachable = new ApiProblem({
  code: 'unreachable',
  status: 0,
  detail:
    'The control plane does not answer. Check your connection; this page continues as soon as it answers.',
});

const readProblem = async (response: Response): Promise<ApiProblem> => {
  const parsed = problem.safeParse(await response.json().catch(() => undefined));
  return new ApiProblem(
    parsed.data ?? {
      code: 'unexpected',
      status: response.status,
      detail: `The control plane answered ${response.status} without an explanation. Try again.`,
    },
  );
};

/** Sends a request and returns the raw response. Throws an `ApiProblem` unless it succeeds. */
export const send = async (
  method: Method,
  path: string,
  { body, query, signal, token }: Options = {},
): Promise<Response> => {
  const response = await fetch(withQuery(path, query), {
    method,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json',
      ...(method !== 'GET' && { 'x-reveille-csrf': '1' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  }).catch((error: unknown) => {
    throw signal?.aborted ? error : unreachable;
  });
  if (!response.ok) throw await readProblem(response);
  return response;
};

/** Sends a request and returns the answer, parsed by the schema. */
export const call = async <T extends z.ZodType>(
  method: Method,
  path: string,
  schema: T,
  options?: Options,
): Promise<z.infer<T>> => schema.parse(await (await send(method, path, options)).json());

export const get = <T extends z.ZodType>(path: string, schema: T, query?: Query, signal?: AbortSignal) =>
  call('GET', path, schema, { ...(query && { query }), signal });
