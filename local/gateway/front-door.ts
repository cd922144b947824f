/** The port of the API and the console. */
import { createServer, type RequestListener } from 'node:http';
import { listenOnLoopback, stopServer } from '../http-server.ts';

export interface FrontDoor {
  /** URL without a trailing slash. */
  readonly url: string;
  /** Answers the requests, also those that came before. */
  serve(listener: RequestListener): void;
  stop(): Promise<void>;
}

/**
 * Opens the port before there is anything to serve: the template's functions need the URL. Rejects with
 * `EADDRINUSE` when the port is taken.
 */
export const openFrontDoor = async (port: number): Promise<FrontDoor> => {
  const server = createServer();
  const ready = Promise.withResolvers<RequestListener>();
  server.on('request', async (request, response) => (await ready.promise)(request, response));
  const opened = await listenOnLoopback(server, port);
  return { url: `http://localhost:${opened}`, serve: ready.resolve, stop: () => stopServer(server) };
};
