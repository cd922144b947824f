import { beforeEach, describe, expect, it } from 'vitest';
import { sendPatiently, takesKey } from './patience.ts';
import { listTasks, startTask, stopTask } from './tasks.ts';

const pauses: number[] = [];
let keys = 0;
beforeEach(() => {
  pauses.length = 0;
  keys = 0;
});
const patience = {
  pause: async (ms: number) => void pauses.push(ms),
  random: () => 0,
  newKey: () => `key-${++keys}`,
};

/** Answers with these statuses in turn, and records the headers that it gets. */
const answering = (...statuses: number[]) => {
  const got: unknown[] = [];
  const send = async (headers: Readonly<Record<string, string>>) => {
    got.push(headers);
    return new Response(null, { status: statuses.shift() ?? 200 });
  };
  return { got, send };
};

describe('a call to a busy control plane', () => {
  it('is repeated with the same key, after growing delays', async () => {
    const { got, send } = answering(503, 429, 503);
    expect((await sendPatiently(startTask, patience, send)).status).toBe(200);
    expect(got).toEqual(Array(4).fill({ 'idempotency-key': 'key-1' }));
    expect(pauses).toEqual([250, 500, 1000]);
  });

  it('ends with the last refusal', async () => {
    const { got, send } = answering(...Array(9).fill(503));
    expect((await sendPatiently(listTasks, patience, send)).status).toBe(503);
    expect(got).toEqual(Array(6).fill({}));
  });

  it('is not repeated when a repeat could do harm', async () => {
    const { got, send } = answering(503);
    expect((await sendPatiently(stopTask, patience, send)).status).toBe(503);
    expect(got).toEqual([{}]);
  });

  it.each([201, 400, 404, 409, 500, 502])('is not repeated after %i', async (status) => {
    const { got, send } = answering(status);
    expect((await sendPatiently(startTask, patience, send)).status).toBe(status);
    expect(got).toHaveLength(1);
  });
});

describe('takesKey', () => {
  it('is true for the start of a task, and false for others', () => {
    expect([startTask, stopTask, listTasks].map(takesKey)).toEqual([true, false, false]);
  });
});
