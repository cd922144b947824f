/** Starts and stops an HTTP server on the loopback interface. */
import { once } from 'node:events';
import type { Server } from 'node:http';

/**
 * Keep-alive time. It exceeds the idle time of every client here, so that no connection closes under a
 * request.
 */
const keepAliveMs = 120_000;

/** Listens on 127.0.0.1; port 0 takes a free port. Rejects with `EADDRINUSE` when the port is taken. */
export const listenOnLoopback = async (server: Server, port: number): Promise<number> => {
  server.keepAliveTimeout = keepAliveMs;
  server.requestTimeout = 0;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
};

/** Stops a server and closes open connections immediately, without answers to running calls. */
export const stopServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
