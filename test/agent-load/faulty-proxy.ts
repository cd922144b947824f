/** Proxy between the agent and the API that injects faults. */
import { createServer, request as send } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** Fault mode. `flaky` fails three of ten calls: one is refused, one gets no answer, one loses its answer. */
export type Mode = 'sound' | 'flaky' | 'down';

export interface FaultyProxy {
  readonly url: string;
  setMode(mode: Mode): void;
  /** Number of calls, and of those that failed. */
  counts(): { calls: number; failed: number };
  stop(): void;
}

type Fault = 'none' | 'refused' | 'dropped' | 'answer lost';

export const startFaultyProxy = async (target: string, random: () => number): Promise<FaultyProxy> => {
  let mode: Mode = 'sound';
  let calls = 0;
  let failed = 0;

  const nextFault = (): Fault => {
    if (mode === 'down') return 'dropped';
    const dice = mode === 'flaky' ? random() : 1;
    if (dice < 0.1) return 'refused';
    if (dice < 0.2) return 'dropped';
    return dice < 0.3 ? 'answer lost' : 'none';
  };

  const server = createServer(async (request, response) => {
    calls += 1;
    const fault = nextFault();
    if (fault !== 'none') failed += 1;
    if (fault === 'dropped') return void request.socket.destroy();
    const body = await buffer(request).catch(() => undefined);
    if (!body) return;
    if (fault === 'refused') return void response.writeHead(503).end('{"message":"Service Unavailable"}');
    const { host: _, ...headers } = request.headers;
    const passedOn = send(`${target}${request.url ?? '/'}`, { method: request.method, headers });
    passedOn.on('error', () => response.destroy());
    passedOn.on('response', async (answer) => {
      const text = await buffer(answer).catch(() => undefined);
      if (!text || fault === 'answer lost') return void response.destroy();
      response.writeHead(answer.statusCode ?? 502, answer.headers).end(text);
    });
    passedOn.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    setMode: (next) => {
      mode = next;
      if (next === 'down') server.closeAllConnections();
    },
    counts: () => ({ calls, failed }),
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
