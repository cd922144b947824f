import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { epochMs, type LogChunk } from '../../../protocol/index.ts';
import { openTestTable, type TestTable } from '../../../test/dynamodb.ts';
import { aProjectId, aTaskId, noon } from '../../core/testing.ts';
import { keys } from '../table.ts';
import { type LogStore, logStore } from './logs.ts';

let table: TestTable;
let logs: LogStore;
beforeEach(async () => {
  table = await openTestTable();
  logs = logStore(table.table, () => noon);
});
afterEach(() => table?.close());

const aLog = () => ({ projectId: aProjectId, taskId: aTaskId(), attempt: 1 });
const chunk = (seq: number, text = `line ${seq} ✓\n`): LogChunk => ({
  seq,
  entries: [
    { at: noon, stream: 'stdout', text },
    { at: noon, stream: 'stderr', text: '!' },
  ],
});
const chunks = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => chunk(from + index));
const textOf = (given: readonly LogChunk[]) =>
  given.flatMap(({ entries }) => entries.map(({ text }) => text)).join('');

const readAll = async (log: ReturnType<typeof aLog>) => {
  let text = '';
  for (let offset = 0; ; ) {
    const page = await logs.read(log, offset);
    text += page.entries.map((entry) => entry.text).join('');
    if (page.nextOffset === offset) return text;
    offset = page.nextOffset;
  }
};
const downloadAll = async (log: ReturnType<typeof aLog>) => {
  const parts: Uint8Array[] = [];
  for (let from = 0; ; ) {
    const part = await logs.download(log, from);
    parts.push(...part.members);
    if (part.isLast) return { text: gunzipSync(Buffer.concat(parts)).toString(), parts: parts.length };
    from = part.nextOffset;
  }
};

describe('the store of logs', () => {
  it('returns the stored log, entry by entry', async () => {
    const log = aLog();
    await logs.append(log, chunks(0, 2));
    expect(await logs.read(log, 0)).toEqual({
      entries: chunks(0, 2).flatMap(({ entries }) => entries),
      nextOffset: 3,
    });
    expect((await logs.read(log, 1)).entries).toEqual(chunks(1, 2).flatMap(({ entries }) => entries));
    expect(await logs.read(log, 3)).toEqual({ entries: [], nextOffset: 3 });
  });

  it('stops before a gap', async () => {
    const log = aLog();
    await logs.append(log, [...chunks(0, 1), ...chunks(3, 4)]);
    expect((await logs.read(log, 0)).nextOffset).toBe(2);
    await logs.append(log, chunks(2, 2));
    expect((await logs.read(log, 0)).nextOffset).toBe(5);
  });

  it('returns each chunk once, although it was sent repeatedly in different groupings', async () => {
    const grouping = fc.array(fc.tuple(fc.nat(9), fc.nat(4)), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(grouping, async (groups) => {
        const log = aLog();
        for (const [from, more] of groups) await logs.append(log, chunks(from, Math.min(9, from + more)));
        await logs.append(log, chunks(0, 9));
        expect(await readAll(log)).toBe(textOf(chunks(0, 9)));
        expect((await downloadAll(log)).text).toBe(textOf(chunks(0, 9)));
      }),
      { numRuns: 30 },
    );
  });

  it('keeps 5 MB of badly compressible text in items that DynamoDB accepts, and returns all of it', async () => {
    const log = aLog();
    const bulk = Array.from({ length: 80 }, (_, seq) => chunk(seq, randomBytes(24_000).toString('base64')));
    for (let from = 0; from < 80; from += 20) await logs.append(log, bulk.slice(from, from + 20));
    expect(await readAll(log)).toBe(textOf(bulk));
    const { text, parts } = await downloadAll(log);
    expect(text).toBe(textOf(bulk));
    expect(parts).toBeGreaterThan(1);
  });

  it('stores ordinary output in a tenth of its bytes', async () => {
    const log = aLog();
    const lines = (seq: number) =>
      Array.from(
        { length: 600 },
        (_, n) => `ok: [host-${n % 7}] => task ${seq}/${n} changed=${n % 3} unreachable=0 failed=0\n`,
      );
    const bulk = Array.from({ length: 10 }, (_, seq) => chunk(seq, lines(seq).join('')));
    await logs.append(log, bulk);
    const items = (await table.dump()).filter(({ pk }) => pk === `${log.taskId}#1`);
    const written = items.reduce((sum, { text }) => sum + (text instanceof Uint8Array ? text.length : 0), 0);
    expect(written).toBeLessThan(textOf(bulk).length / 10);
  });

  it("keeps logs for the project's retention, by default 90 days", async () => {
    const log = aLog();
    const daysOf = async () =>
      (await table.dump())
        .filter(({ pk }) => String(pk).startsWith('tsk_'))
        .map(({ expiresAt }) => Math.round((Number(expiresAt) - epochMs(noon) / 1000) / 86_400));
    await logs.append(log, chunks(0, 0));
    expect(await daysOf()).toEqual([90]);
    await table.table.put({ ...keys.project(aProjectId), logRetentionDays: 7 });
    await logStore(table.table, () => noon).append({ ...log, attempt: 2 }, chunks(0, 0));
    expect((await daysOf()).sort()).toEqual([7, 90]);
  });
});
