import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { FunctionSpec } from '../template/stack-spec.ts';
import { aFunction, temporaryFolder, until } from '../testing/fixture.ts';
import { type FunctionPool, makeFunctionPool } from './pool.ts';

const folder = temporaryFolder();
const pools: FunctionPool[] = [];
const lines: string[] = [];
afterAll(folder.remove);
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.stop();
  lines.length = 0;
});

let made = 0;
const pool = (source: string, over: Partial<FunctionSpec> = {}, maxConcurrency = 10) => {
  made += 1;
  const spec = aFunction(folder.path, source, { logicalId: `Fn${made}`, ...over });
  const environment = { GREETING: 'hello' };
  const started = makeFunctionPool(spec, { environment, log: (line) => lines.push(line), maxConcurrency });
  pools.push(started);
  return started;
};

describe('a function', () => {
  it('gets the event and the context, and keeps its state while it is warm', async () => {
    const { invoke } = pool(`
      let count = 0;
      export const handler = async (event, context) =>
        ({ event, count: ++count, name: context.functionName, left: context.getRemainingTimeInMillis() > 4000 });
    `);
    const expected = { event: { a: [1] }, name: 'Stack-Fn', left: true };
    expect(await invoke({ a: [1] })).toEqual({ ...expected, count: 1 });
    expect(await invoke({ a: [1] })).toEqual({ ...expected, count: 2 });
  });

  it('sees only its own environment variables', async () => {
    const { invoke } = pool('export const handler = async () => process.env;');
    expect(await invoke({})).toEqual({ GREETING: 'hello' });
  });

  it('has its output logged', async () => {
    const { invoke } = pool(
      'export const handler = async () => { console.log("one"); console.error("two"); };',
    );
    await invoke({});
    await until(() => lines.includes('one') && lines.includes('two'));
  });

  it('fails with the error that it throws, and answers the next event', async () => {
    const { invoke } = pool(`
      export const handler = async (event) => { if (event.bad) throw new TypeError('bad event'); return 'fine'; };
    `);
    await expect(invoke({ bad: true })).rejects.toMatchObject({
      errorType: 'TypeError',
      message: 'bad event',
    });
    expect(await invoke({})).toBe('fine');
  });

  it('is stopped at its timeout, and restarts', async () => {
    const source = `
      export const handler = async (event) => { if (event.hang) await new Promise((done) => setTimeout(done, 9e5)); return 'fine'; };
    `;
    const { invoke } = pool(source, { timeoutMs: 100 });
    await expect(invoke({ hang: true })).rejects.toThrow('Task timed out after 0.10 seconds');
    expect(await invoke({})).toBe('fine');
  });

  it('is stopped when it never yields', async () => {
    const { invoke } = pool('export const handler = async () => { for (;;); };', { timeoutMs: 100 });
    await expect(invoke({})).rejects.toThrow('timed out');
  });

  it('fails its invocation when its worker is killed, and restarts', async () => {
    const { invoke, isBusy, killBusy } = pool(`
      export const handler = async (event) => { if (event.hang) { console.log('in flight'); await new Promise(() => {}); } return 'fine'; };
    `);
    expect(isBusy()).toBe(false);
    const failed = expect(invoke({ hang: true })).rejects.toThrow('The function was killed.');
    await until(() => lines.includes('in flight'));
    expect(isBusy()).toBe(true);
    killBusy();
    await failed;
    expect(await invoke({})).toBe('fine');
  });

  it.each([
    ['exits', 'process.exit(3)', 'exited (3)'],
    ['throws out of turn', "setTimeout(() => { throw new Error('late'); })", 'late'],
  ])('fails its invocation when it %s, and restarts', async (_what, crash, message) => {
    const { invoke } = pool(`
      export const handler = async (event) => { if (event.crash) { ${crash}; await new Promise(() => {}); } return 'fine'; };
    `);
    await expect(invoke({ crash: true })).rejects.toThrow(message);
    expect(await invoke({})).toBe('fine');
  });

  it('reports why its bundle cannot be loaded', async () => {
    const { invoke } = pool("throw new Error('TABLE_NAME is missing');");
    await expect(invoke({})).rejects.toThrow('TABLE_NAME is missing');
  });

  it('runs invocations in parallel up to its maximum, each alone in its worker', async () => {
    const { invoke } = pool(
      `
      let running = 0;
      export const handler = async () => {
        running += 1;
        const alone = running === 1;
        await new Promise((done) => setTimeout(done, 20));
        running -= 1;
        return { alone, worker: (await import('node:worker_threads')).threadId };
      };
    `,
      {},
      2,
    );
    const results = await Promise.all([1, 2, 3, 4, 5].map(() => invoke({})));
    expect(results).toMatchObject(results.map(() => ({ alone: true })));
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(2);
  });

  it('starts a further worker for an invocation that waits for long', async () => {
    const { invoke } = pool(`
      const arrived = new BroadcastChannel('pool.test');
      export const handler = async ({ name }) => {
        const others = new Set();
        await new Promise((done) => {
          arrived.onmessage = ({ data }) => {
            if (!others.has(data)) arrived.postMessage(name);
            if (others.add(data).size === 2) done();
          };
          arrived.postMessage(name);
        });
        return 'all three run';
      };
    `);
    const results = await Promise.all(['a', 'b', 'c'].map((name) => invoke({ name })));
    expect(results).toEqual(['all three run', 'all three run', 'all three run']);
  });

  it('starts no further worker while one is loading', async () => {
    const { invoke } = pool(`
      import { threadId } from 'node:worker_threads';
      await new Promise((done) => setTimeout(done, 600)); // A load that takes longer than an invocation waits.
      export const handler = async () => threadId;
    `);
    const workers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => invoke({ name })));
    expect(new Set(workers).size).toBe(2);
  });

  it('fails its running and waiting invocations when the pool stops', async () => {
    const { invoke, stop } = pool('export const handler = () => new Promise(() => {});', {}, 1);
    const calls = Promise.allSettled([invoke({}), invoke({})]);
    await stop();
    const failed = { status: 'rejected', reason: { message: 'The stack has been stopped.' } };
    expect(await calls).toMatchObject([failed, failed]);
    await expect(invoke({})).rejects.toThrow('The stack has been stopped.');
  });
});
