/** Calls the API: JSON there and back, problems as ApiProblem, everything else that fails as ApiUnreachable. */
import { problem } from '../protocol/problem.ts';
import { ApiProblem, ApiUnreachable, messageOf } from './errors.ts';
import type { HttpTransport } from './http-transport.ts';

/** The one thing of a schema that a call needs. */
interface Parser<T> {
  parse(input: unknown): T;
}

export interface ApiCall<T> {
  /** Under /api/agent/. */
  path: string;
  /** None for the call that proves the caller by itself. */
  bearer?: string;
  body?: unknown;
  response: Parser<T>;
  signal?: AbortSignal | undefined;
  /** When it may take longer than others. */
  timeoutMs?: number;
  /** It tells when it is sent again, so it must not be sent twice unknown to the caller. */
  isOnce?: boolean;
}

export interface ApiClient {
  post<T>(call: ApiCall<T>): Promise<T>;
}

export interface ApiClientOptions {
  apiUrl: string;
  transport: HttpTransport;
  userAgent: string;
  timeoutMs?: number;
  /** Hears the time that the API told in an answer, epoch ms. */
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

/** Status codes that pass by themselves. */
const isPassing = (status: number) => status >= 500 || status === 429 || status === 408;

export const createApiClient = ({
  apiUrl,
  transport,
  userAgent,
  timeoutMs = 10_000,
  onServerTime,
}: ApiClientOptions): ApiClient => {
  const base = `${apiUrl.replace(/\/+$/, '')}/api/agent/`;

  const send = async (call: ApiCall<unknown>) => {
    const timeout = AbortSignal.timeout(call.timeoutMs ?? timeoutMs);
    try {
      return await transport({
        url: base + call.path,
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
      throw new ApiUnreachable(`No answer from ${base}${call.path}: ${messageOf(error)}`, { cause: error });
    }
  };

  return {
    post: async (call) => {
      const { status, text, serverTimeMs } = await send(call);
      if (serverTimeMs !== undefined) onServerTime?.(serverTimeMs);
      const body = parseJson(text);
      if (status >= 400) {
        const said = problem.safeParse(body);
        if (said.success && !isPassing(status))
          throw new ApiProblem(status, said.data.code, said.data.detail);
        const detail = said.success ? said.data.detail : 'not in the form of the Reveille API';
        throw new ApiUnreachable(`${base}${call.path} answered ${status}: ${detail}`);
      }
      try {
        return call.response.parse(body);
      } catch (error) {
        throw new ApiUnreachable(`${base}${call.path} answered what this version does not understand`, {
          cause: error,
        });
      }
    },
  };
};
