/** Client of the API of a stack on this machine: for the sample, the tests, the demo and the benchmarks. */
import { type AnswerOf, type CallOf, parseAnswer, targetOf } from '../../protocol/endpoints/call.ts';
import type { Endpoint } from '../../protocol/endpoints/endpoint.ts';
import { type Problem, problem } from '../../protocol/index.ts';

export class ApiError extends Error {
  readonly code: string;

  constructor(method: string, path: string, { status, code, detail, errors = [] }: Problem) {
    const fields = errors.map(({ path, message }) => `; ${path}: ${message}`).join('');
    super(`${method} ${path}: ${status} ${code}: ${detail}${fields}`);
    this.code = code;
  }
}

/** Opens a client. Both calls throw an `ApiError` when the API refuses. `send` is for tests that watch it. */
export const openApi = (url: string, token: string, send: typeof fetch = fetch) => {
  /** Sends anything to any path, also what the endpoint table forbids. */
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await send(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    const json: unknown = isJson ? JSON.parse(text) : undefined;
    if (response.ok) return json;
    const refusal = problem.safeParse(json);
    if (!refusal.success) throw new Error(`${method} ${path}: ${response.status} without a problem: ${text}`);
    throw new ApiError(method, path, refusal.data);
  };
  return {
    call,
    /** Calls an endpoint and returns its parsed answer. The API checks the body. */
    ask: async <E extends Endpoint>(
      endpoint: E,
      given: Omit<CallOf<E>, 'body'> & { readonly body?: unknown },
    ): Promise<AnswerOf<E>> =>
      parseAnswer(endpoint, await call(endpoint.method.toUpperCase(), targetOf(endpoint, given), given.body)),
  };
};
