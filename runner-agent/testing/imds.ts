/** EC2's instance metadata service, version 2, on loopback: answers only with a token. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

export interface Imds {
  readonly url: string;
  set(item: string, text: string): void;
  /** Answers the next request with this status. */
  failNext(status: number): void;
  /** Items that were requested. */
  requested(): string[];
  /** Number of requests of any kind. */
  requests(): number;
  /** Number of tokens issued. */
  tokens(): number;
  close(): Promise<void>;
}

export interface ImdsAddress {
  address: string;
  /** 0: any that is free. */
  port: number;
}

const loopback: ImdsAddress = { address: '127.0.0.1', port: 0 };

export const startImds = async ({ address, port } = loopback): Promise<Imds> => {
  let requests = 0;
  const items = new Map<string, string>();
  const requested: string[] = [];
  const tokens = new Set<unknown>();
  const failures: number[] = [];
  const server = createServer(({ method, url = '', headers }, response) => {
    requests += 1;
    const failure = failures.shift();
    if (failure !== undefined) return response.writeHead(failure).end();
    if (method === 'PUT' && url === '/latest/api/token') {
      if (!headers['x-aws-ec2-metadata-token-ttl-seconds']) return response.writeHead(400).end();
      const token = randomUUID();
      tokens.add(token);
      return response.end(token);
    }
    if (!tokens.has(headers['x-aws-ec2-metadata-token'])) return response.writeHead(401).end();
    const item = url.replace('/latest/meta-data/', '');
    requested.push(item);
    const text = items.get(item);
    return text === undefined ? response.writeHead(404).end() : response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server has no port');
  return {
    url: `http://${address}:${bound.port}`,
    set: (item, text) => void items.set(item, text),
    failNext: (status) => void failures.push(status),
    requested: () => requested,
    requests: () => requests,
    tokens: () => tokens.size,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};
