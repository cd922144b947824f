import { createServer, type Server } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { createHttpTransport } from './http-transport.ts';

let server: Server;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const listen = async (onRequest: (count: number) => 'answer' | 'reset') => {
  let count = 0;
  server = createServer((request, response) => {
    count += 1;
    if (onRequest(count) === 'reset') request.socket.destroy();
    else request.resume().on('end', () => response.writeHead(201).end(`answer ${count}`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const send = createHttpTransport();
  const post = (isOnce = false) =>
    send({
      url: `http://127.0.0.1:${port}/`,
      headers: {},
      body: 'é',
      signal: AbortSignal.timeout(900),
      isOnce,
    });
  return { post };
};

it('repeats a request whose kept connection was closed', async () => {
  const { post } = await listen((count) => (count === 2 ? 'reset' : 'answer'));
  expect(await post()).toMatchObject({ status: 201, text: 'answer 1' });
  expect(await post()).toMatchObject({ status: 201, text: 'answer 3' });
});

it('does not repeat a request that must be sent once', async () => {
  const { post } = await listen((count) => (count === 2 ? 'reset' : 'answer'));
  await post();
  await expect(post(true)).rejects.toThrow('socket hang up');
});

it('rejects when a new connection fails', async () => {
  const { post } = await listen(() => 'reset');
  await expect(post()).rejects.toThrow('socket hang up');
});
