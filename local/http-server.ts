/** Starting and stopping an HTTP server on the loopback interface. */
import { once } from 'node:events';
import type { Server } from 'node:http';

/** Longer than any client here keeps an idle connection, so that none is closed under a request. */
const keepAliveMs = 120_000;

/** Listens on 127.0.0.1; port 0 takes a free one. Rejects with `EADDRINUSE` when the port is taken. */
export const listenOnLoopback = async (server: Server, port: number): Promise<number> => {
  server.keepAliveTimeout = keepAliveMs;
  server.requestTimeout = 0;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
};

/** Ends open connections at once: who is in the middle of a call has to do without the answer. */
export const stopServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
