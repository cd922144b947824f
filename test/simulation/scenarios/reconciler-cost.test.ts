/** A reconciler pass costs requests in proportion to live items, never to history. */
import { expect, it } from 'vitest';
import type { SimulatedTable } from '../simulated-table.ts';
import { play } from './scenario.ts';

const minuteMs = 60_000;
const finishedTasks = 10_000;

/** Starts to count the requests to the table. */
const countRequests = (table: SimulatedTable) => {
  const { get, batchGet, put, update, query, queryLive } = table;
  let requests = 0;
  const counted =
    <A extends unknown[], T>(call: (...given: A) => T) =>
    (...given: A): T => {
      requests += 1;
      return call(...given);
    };
  Object.assign(table, {
    get: counted(get),
    batchGet: counted(batchGet),
    put: counted(put),
    update: counted(update),
    query: counted(query),
    queryLive: counted(queryLive),
  });
  return () => requests;
};

const requestsWith = async (history: number): Promise<number> => {
  let requests = 0;
  await play(async ({ simulation, projectId, done, start, pass }) => {
    await done(simulation.addRunner(projectId, { maxParallelTasks: 5, idleTimeoutMs: 0 }));
    const short = simulation.addTemplate(projectId, 1);
    const first = await start(short);
    await pass(2 * minuteMs);
    const finished = simulation.table.get({ pk: projectId, sk: first.id });
    for (let left = history; left > 0; left--) {
      const id = simulation.control.newId('tsk');
      simulation.table.put({ ...finished, pk: projectId, sk: id, id });
    }
    const long = simulation.addTemplate(projectId, 60 * minuteMs);
    for (let left = 5; left > 0; left--) await start(long);
    await pass(2 * minuteMs);
    const counted = countRequests(simulation.table);
    await done(simulation.control.reconcileOnce());
    requests = counted();
  });
  return requests;
};

it(`makes no more requests with ${finishedTasks} finished tasks than with none`, async () => {
  const without = await requestsWith(0);
  expect(without).toBeGreaterThan(0);
  expect(await requestsWith(finishedTasks)).toBe(without);
});
