/** HTTP proxy on a loopback address that opens tunnels (CONNECT) to who knows its login. */
import { createServer } from 'node:http';
import { connect } from 'node:net';

export interface Proxy {
  /** Hosts with port to which it opened a tunnel. */
  readonly asked: string[];
  /** URL of the proxy with that login, "user:password". */
  url(login: string): string;
  close(): void;
}

export const startProxy = async (login: string): Promise<Proxy> => {
  const asked: string[] = [];
  const expected = `Basic ${Buffer.from(login).toString('base64')}`;
  const server = createServer();
  server.on('connect', ({ headers, url = '' }, socket) => {
    socket.on('error', () => socket.destroy());
    if (headers['proxy-authorization'] !== expected) {
      // Clients ask without their login first, and then again.
      const answer = ['407 Proxy Authentication Required', 'Proxy-Authenticate: Basic realm="x"'];
      const more = ['Content-Length: 0', 'Connection: close', '', ''];
      socket.end(`HTTP/1.1 ${[...answer, ...more].join('\r\n')}`);
      return;
    }
    asked.push(url);
    const [host, port] = url.split(':');
    const target = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    asked,
    url: (given) => `http://${given}@127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
