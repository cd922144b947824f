import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { ItemTooLarge } from './item-size.ts';
import { RecordRefused, recordsOf } from './records.ts';
import type { UnreadableItem } from './unreadable-item.ts';

let test: TestTable;
const skipped: UnreadableItem[] = [];
beforeAll(async () => {
  test = await openTestTable();
});
afterAll(() => test?.close());

const open = () => {
  const table = { ...test.table, reportUnreadable: (found: UnreadableItem) => void skipped.push(found) };
  return recordsOf(
    table,
    z.object({ sk: z.string(), text: z.string().max(400_000), count: z.int().optional() }),
  );
};
const key = (sk: string) => ({ pk: 'p', sk });

describe('put', () => {
  it('rejects a value that could not be read again, and names the field', async () => {
    const refused = open().put({ ...key('a'), text: 7 });
    await expect(refused).rejects.toThrow(RecordRefused);
    await expect(refused).rejects.toMatchObject({ faults: [{ path: 'text' }] });
    expect(await test.table.get(key('a'))).toBeUndefined();
  });

  it('rejects an item that leaves no room for additions, with its size and largest field', async () => {
    const refused = open().put({ ...key('b'), text: 'ü'.repeat(200_000) });
    await expect(refused).rejects.toThrow(ItemTooLarge);
    await expect(refused).rejects.toMatchObject({
      largest: 'text',
      detail: 'It would have 400,010 bytes when stored, and 393,216 fit. Shorten "text", its largest part.',
    });
  });

  it('accepts an item of the maximum size', async () => {
    const text = 'm'.repeat(393_216 - 'pkpskctext'.length);
    expect(await open().put({ ...key('c'), text })).toBe(true);
    await expect(open().put({ ...key('c'), text: `${text}m` })).rejects.toThrow(ItemTooLarge);
  });
});

describe('update', () => {
  it('rejects an unreadable attribute and the removal of a required one', async () => {
    await open().put({ ...key('d'), text: 'x' });
    await expect(open().update(key('d'), { set: { count: 'many' } }, [])).rejects.toMatchObject({
      faults: [{ path: 'count' }],
    });
    await expect(open().update(key('d'), { unset: ['text'] }, [])).rejects.toThrow(RecordRefused);
    expect(await open().update(key('d'), { add: { count: 1 } }, [])).toMatchObject({ text: 'x', count: 1 });
  });

  it('rejects an update that leaves no room for additions, and keeps the item unchanged', async () => {
    await open().put({ ...key('h'), text: 'x' });
    const surveySecrets = 'm'.repeat(393_200);
    await expect(
      test.table.update(key('h'), { set: { surveySecrets, text: 'y' } }, []),
    ).rejects.toMatchObject({
      name: 'ItemTooLarge',
      largest: 'survey',
      detail: 'It would have 393,224 bytes when stored, and 393,216 fit. Shorten "survey", its largest part.',
    });
    expect(await test.table.get(key('h'))).toEqual({ ...key('h'), text: 'x' });
  });

  it('reports a growing sum that DynamoDB cannot store', async () => {
    await open().put({ ...key('e'), text: 'x' });
    const half = { set: { more: 'm'.repeat(250_000) } };
    await open().update(key('e'), half, []);
    await expect(open().update(key('e'), { set: { text: 'm'.repeat(250_000) } }, [])).rejects.toThrow(
      ItemTooLarge,
    );
  });
});

describe('readAll', () => {
  it('skips an unreadable item, and reports its key and fields without their values', () => {
    const good = { ...key('f'), text: 'x' };
    expect(open().readAll([good, { ...key('g'), text: 7, count: 'hunter2' }])).toEqual([
      { sk: 'f', text: 'x' },
    ]);
    expect(skipped.map(({ message }) => message)).toEqual(['The item p g cannot be read: see text, count.']);
  });
});
