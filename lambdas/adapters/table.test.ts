import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { queryAll } from './table.ts';

let table: TestTable;
beforeAll(async () => {
  table = await openTestTable();
});
afterAll(() => table?.close());

it('returns all items of a query over several pages, in order', async () => {
  for (const sk of ['a', 'b', 'c', 'd', 'e']) await table.table.put({ pk: 'many', sk });
  await table.table.put({ pk: 'other', sk: 'a' });
  const found = await queryAll(table.table, { pk: 'many', from: 'b', limit: 2 });
  expect(found.map(({ sk }) => sk)).toEqual(['b', 'c', 'd', 'e']);
  expect(await queryAll(table.table, { pk: 'none' })).toEqual([]);
});
