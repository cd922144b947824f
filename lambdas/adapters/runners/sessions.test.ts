import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addMs } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { aProjectId, aRunner, noon } from '../../core/testing.ts';
import { newId } from '../ids.ts';
import { sessionStore } from './sessions.ts';

let opened: TestTable;
beforeAll(async () => {
  opened = await openTestTable();
});
afterAll(() => opened?.close());

const days = (count: number) => addMs(noon, count * 86_400_000);

const aSession = (from: number, to: number) => ({
  id: newId('ses', days(from)),
  runnerId: aRunner().id,
  projectId: aProjectId,
  instanceId: 'i-0123456789abcdef0',
  region: 'us-east-1',
  startedAt: days(from),
  endedAt: days(to),
  busyMs: 0,
});

describe('the sessions that reach into a window', () => {
  it('are found regardless of their start, each once', async () => {
    const sessions = sessionStore(opened.table);
    const [before, month, across, within, hour, after] = [
      aSession(-40, -35),
      aSession(-30, 2),
      aSession(-0.5, 5),
      aSession(0.5, 2.5),
      aSession(0.1, 0.2),
      aSession(3.5, 6),
    ];
    for (const one of [before, month, across, within, hour, after]) await sessions.put(one);
    const found = await sessions.listReaching(aProjectId, days(0), days(3));
    const ids = [month, across, within, hour].map(({ id }) => id);
    expect(found.map(({ id }) => id).sort()).toEqual(ids.sort());
  });

  it('keep their first end when a crash repeats the call', async () => {
    const sessions = sessionStore(opened.table);
    const long = aSession(100, 110);
    await sessions.put(long);
    await sessions.put({ ...long, endedAt: days(111) });
    expect(await sessions.listReaching(aProjectId, days(109), days(112))).toEqual([long]);
    expect(await sessions.listReaching(aProjectId, days(110.5), days(112))).toEqual([]);
  });

  it('are found by their end although the function stopped between its two writes', async () => {
    const long = aSession(200, 210);
    const stopping = sessionStore({
      ...opened.table,
      put: async (item, conditions) => {
        if (item.sk === long.id) throw new Error('stopped');
        return opened.table.put(item, conditions);
      },
    });
    await expect(stopping.put(long)).rejects.toThrow('stopped');
    const sessions = sessionStore(opened.table);
    expect(await sessions.listReaching(aProjectId, days(209), days(212))).toEqual([]);
    await sessions.put({ ...long, endedAt: days(211) });
    expect(await sessions.listReaching(aProjectId, days(210.5), days(212))).toHaveLength(1);
  });
});
