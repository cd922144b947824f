/** Calls the API with JSON. Problems become ApiProblem, every other failure ApiUnreachable. */
import { type AnswerOf, type CallOf, parseAnswer, targetOf } from '../protocol/endpoints/call.ts';
import type { Endpoint } from '../protocol/endpoints/endpoint.ts';
import { problem } from '../protocol/problem.ts';
import { ApiProblem, ApiUnreachable, messageOf } from './errors.ts';
import type { HttpTransport } from './http-transport.ts';

/** Options of a call beyond its body. */
export interface CallOptions {
  /** Bearer token; absent for the call that authenticates itself. */
  bearer?: string;
  signal?: AbortSignal;
  /** Timeout of a call that may take longer than others. */
  timeoutMs?: number;
  /** Prevents silent resends: the caller has to know when the call is sent again. */
  isOnce?: boolean;
}

export interface ApiClient {
  /** Calls an endpoint and returns its parsed answer. */
  call<E extends Endpoint>(endpoint: E, given: CallOf<E> & CallOptions): Promise<AnswerOf<E>>;
}

export interface ApiClientOptions {
  apiUrl: string;
  transport: HttpTransport;
  userAgent: string;
  timeoutMs?: number;
  /** Called with the API's time from each answer, epoch ms. */
  onServerTime?(serverTimeMs: number): void;
}

const parseJson = (text: string): unknown => {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Returns true for temporary errors. */
const isPassing = (status: number) => status >= 500 || status === 429 || status === 408;

export const createApiClient = ({
  apiUrl,
  transport,
  userAgent,
  timeoutMs = 10_000,
  onServerTime,
}: ApiClientOptions): ApiClient => {
  const base = apiUrl.replace(/\/+$/, '');

  const send = async (url: string, call: CallOptions & { readonly body?: unknown }) => {
    const timeout = AbortSignal.timeout(call.timeoutMs ?? timeoutMs);
    try {
      return await transport({
        url,
        headers: {
          ...(call.bearer !== undefined && { authorization: `Bearer ${call.bearer}` }),
          'content-type': 'application/json',
          'user-agent': userAgent,
        },
        body: JSON.stringify(call.body ?? {}),
        isOnce: call.isOnce,
        signal: call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
      });
    } catch (error) {
      throw new ApiUnreachable(`No answer from ${url}: ${messageOf(error)}`, { cause: error });
    }
  };

  return {
    call: async (endpoint, given) => {
      const url = base + targetOf(endpoint, given);
      const { status, text, serverTimeMs } = await send(url, given);
      if (serverTimeMs !== undefined) onServerTime?.(serverTimeMs);
      const body = parseJson(text);
      if (status >= 400) {
        const said = problem.safeParse(body);
        if (said.success && !isPassing(status))
          throw new ApiProblem(status, said.data.code, said.data.detail);
        const detail = said.success ? said.data.detail : 'not in the form of the Reveille API';
        throw new ApiUnreachable(`${url} answered ${status}: ${detail}`);
      }
      try {
        return parseAnswer(endpoint, body);
      } catch (error) {
        throw new ApiUnreachable(`${url} answered what this version does not understand`, {
          cause: error,
        });
      }
    },
  };
};
