/** Calls the API by the endpoint table: same origin, signed in by cookie, answers parsed by their schemas. */
import { type AnswerOf, type CallOf, parseAnswer, pathOf, targetOf } from '../../protocol/endpoints/call.ts';
import type { Endpoint } from '../../protocol/endpoints/endpoint.ts';
import { type Patience, sendPatiently, takesKey } from '../../protocol/endpoints/patience.ts';
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

/** Describes an error in a sentence for the user. */
export const messageOf = (error: unknown): string =>
  error instanceof ApiProblem
    ? error.message
    : 'Something went wrong on this page. Reload it; if it happens again, report it.';

interface Options {
  readonly signal?: AbortSignal;
  /** Token sent instead of the cookie, for the first set-up. */
  readonly token?: string;
}

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

const fetchOnce = (
  method: string,
  target: string,
  body: unknown,
  { signal, token }: Options = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(target, {
    method,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json',
      ...(method !== 'GET' && { 'x-reveille-csrf': '1' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
  }).catch((error: unknown) => {
    throw signal?.aborted ? error : unreachable;
  });

const succeeded = async (response: Response): Promise<Response> => {
  if (!response.ok) throw await readProblem(response);
  return response;
};

const patience: Patience = {
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
  // Unlike `randomUUID`, also on a page that came over plain HTTP.
  newKey: () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join('-'),
};

/**
 * Calls an endpoint and returns the raw response: for files, and for answers that nobody reads. Throws an
 * `ApiProblem` unless it succeeds.
 */
export const send = async <E extends Endpoint>(
  endpoint: E,
  given: CallOf<E>,
  options?: Options,
): Promise<Response> => {
  const once = (headers?: Readonly<Record<string, string>>) =>
    fetchOnce(endpoint.method.toUpperCase(), targetOf(endpoint, given), given.body, options, headers);
  // Pages read again by themselves.
  return succeeded(await (takesKey(endpoint) ? sendPatiently(endpoint, patience, once) : once()));
};

/** Reads the path in an answer's `Link` header and returns the raw response. Throws as `send` does. */
export const follow = async (link: string, options?: Options): Promise<Response> =>
  succeeded(await fetchOnce('GET', link, undefined, options));

/** Calls an endpoint and returns its parsed answer. Throws an `ApiProblem` unless it succeeds. */
export const call = async <E extends Endpoint>(
  endpoint: E,
  given: CallOf<E>,
  options?: Options,
): Promise<AnswerOf<E>> => {
  const response = await send(endpoint, given, options);
  return parseAnswer(endpoint, response.status === 204 ? undefined : await response.json());
};

/** Call that a query repeats. */
export interface Reading<T> {
  /** Path without the query: the first element of the cache key. */
  readonly path: string;
  readonly read: (options?: Options) => Promise<T>;
}

export const reading = <E extends Endpoint>(endpoint: E, given: CallOf<E>): Reading<AnswerOf<E>> => ({
  path: pathOf(endpoint, given.params),
  read: (options) => call(endpoint, given, options),
});
