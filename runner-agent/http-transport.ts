/** Sends one HTTP request with Node's own http: fetch would cost the idle agent about 18 MB of memory. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface HttpRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
  /** Prevents resends, because the caller has to know when a request may have been sent twice. */
  isOnce?: boolean;
}

export interface HttpResponse {
  status: number;
  text: string;
  /** The server's clock in the answer, epoch ms, if present. */
  serverTimeMs?: number;
}

/** Sends a POST. Rejects when there is no complete answer. */
export type HttpTransport = (request: HttpRequest) => Promise<HttpResponse>;

/** A connection that was kept from an earlier call failed. */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection';

  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** Keeps connections open between calls. */
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
              serverTimeMs: Number.isFinite(serverTimeMs) ? serverTimeMs : undefined,
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
        // The server closed a kept connection while the request was sent: retry on a new one.
        if (!(error instanceof StaleConnection) || request.isOnce || request.signal.aborted) throw error;
      }
    }
  };
};
