/** Sends one HTTP request. Node's own http rather than fetch, which would cost the idle agent some 18 MB of memory. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface HttpRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
  /** The caller has to know when it may have been sent twice: it is not sent again by itself. */
  isOnce?: boolean | undefined;
}

export interface HttpResponse {
  status: number;
  text: string;
  /** The server's clock when it answered, epoch ms, if it told. */
  serverTimeMs?: number;
}

/** POSTs; rejects when there is no whole answer. */
export type HttpTransport = (request: HttpRequest) => Promise<HttpResponse>;

/** A connection that was kept from an earlier call failed. */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection';

  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** Keeps connections open from one call to the next. */
export const createHttpTransport = (): HttpTransport => {
  const options = { keepAlive: true, keepAliveMsecs: 30_000 };
  const http = { request: httpRequest, agent: new HttpAgent(options) };
  const https = { request: httpsRequest, agent: new HttpsAgent(options) };

  const send = ({ url, headers, body, signal }: HttpRequest): Promise<HttpResponse> =>
    new Promise((resolve, reject) => {
      const { request, agent } = url.startsWith('https:') ? https : http;
      const length = String(Buffer.byteLength(body));
      const sent = request(
        url,
        { method: 'POST', agent, signal, headers: { ...headers, 'content-length': length } },
        (response) => {
          const pieces: string[] = [];
          response.setEncoding('utf8');
          response.on('data', (piece: string) => pieces.push(piece));
          response.on('error', reject);
          response.on('end', () => {
            const serverTimeMs = Date.parse(response.headers.date ?? '');
            resolve({
              status: response.statusCode ?? 0,
              text: pieces.join(''),
              ...(Number.isFinite(serverTimeMs) && { serverTimeMs }),
            });
          });
        },
      );
      sent.on('error', (error) => reject(sent.reusedSocket ? new StaleConnection(error) : error));
      sent.end(body);
    });

  return async (request) => {
    for (;;) {
      try {
        return await send(request);
      } catch (error) {
        // The server closed a kept connection as the request went out: another one will do.
        if (!(error instanceof StaleConnection) || request.isOnce || request.signal.aborted) throw error;
      }
    }
  };
};
