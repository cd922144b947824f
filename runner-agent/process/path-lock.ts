/** Locks a path among all processes of this machine. The lock ends with its holder, however that ends. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const retryMs = 50;

const tryToListen = (name: string): Promise<Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path: name }, () => resolve(server));
  });

/** Last waiter in this process for each path: they take turns without asking the system. */
const turns = new Map<string, Promise<unknown>>();

const acquire = async (path: string, signal: AbortSignal): Promise<Server | undefined> => {
  if (process.platform !== 'linux') return undefined;
  // A name in Linux's abstract socket namespace (unix(7)): no file stays behind.
  const name = `\0reveille-lock-${createHash('sha256').update(path).digest('hex')}`;
  for (;;) {
    const server = await tryToListen(name);
    if (server) return server;
    signal.throwIfAborted();
    await sleep(retryMs, undefined, { signal });
  }
};

/** Runs `work` with the path locked. Rejects when `signal` aborts during the wait. */
export const withPathLock = async <T>(
  path: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> => {
  const before = turns.get(path) ?? Promise.resolve();
  const turn = before.then(async () => {
    signal.throwIfAborted();
    const server = await acquire(path, signal);
    try {
      return await work();
    } finally {
      await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    }
  });
  const settled = turn.catch(() => undefined);
  turns.set(path, settled);
  void settled.then(() => {
    if (turns.get(path) === settled) turns.delete(path);
  });
  return turn;
};
