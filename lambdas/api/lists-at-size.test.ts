import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { liveTasks, type ProjectId, project } from '../../protocol/index.ts';
import { writeAll } from '../../test/batch-write.ts';
import { openTestTable, type TestTable } from '../../test/dynamodb.ts';
import { type Stock, stockItems } from '../../test/stock.ts';
import { type ApiFixture, openApiFixture } from './testing/fixture.ts';

const megabyte = 1_000_000;
const sizes = {
  small: { runners: 100, waiting: 100, templates: 50, scriptLength: 20_000 },
  large: { runners: 1000, waiting: 10_000, templates: 500, scriptLength: 20_000 },
} satisfies Record<string, Stock>;

let table: TestTable;
let api: ApiFixture;
let small: ProjectId;
let large: ProjectId;

/** DynamoDB's requests since the start, and the read units of those. */
const reads = { requests: 0, units: 0 };
const meter = ({ client }: TestTable) =>
  client.middlewareStack.add(
    (next) => async (args) => {
      Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
      const result = await next(args);
      const { ConsumedCapacity: used } = result.output as {
        ConsumedCapacity?: { CapacityUnits?: number } | { CapacityUnits?: number }[];
      };
      reads.requests += 1;
      reads.units += [used ?? []].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
      return result;
    },
    { step: 'initialize' },
  );

const stockProject = async (name: string, stock: Stock): Promise<ProjectId> => {
  const { id } = project.parse(await api.call('POST', '/api/projects', { name }));
  await writeAll(table.client, table.tableName, await stockItems(id, stock));
  return id;
};

beforeAll(async () => {
  table = await openTestTable();
  api = await openApiFixture(table);
  small = await stockProject('small', sizes.small);
  large = await stockProject('large', sizes.large);
  meter(table);
});
afterAll(() => table.close());

const listed = z.object({
  items: z.array(z.looseObject({ id: z.string(), name: z.string().optional() })),
  nextCursor: z.string().optional(),
});

/** Reads a page; returns it with what it cost. */
const read = async (projectId: ProjectId, path: string) => {
  const before = { ...reads };
  const text = await (await api.request('GET', `/api/projects/${projectId}/${path}`)).text();
  const cost = {
    requests: reads.requests - before.requests,
    units: reads.units - before.units,
    bytes: Buffer.byteLength(text),
  };
  return { ...listed.parse(JSON.parse(text)), cost };
};

/** Reads a list to its end, as a client does that follows the cursors. */
const readToEnd = async (projectId: ProjectId, path: string) => {
  const pages = [];
  let cursor: string | undefined;
  do {
    const page = await read(projectId, `${path}${cursor === undefined ? '' : `&cursor=${cursor}`}`);
    pages.push(page);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return pages;
};

describe.each([
  ['runners', sizes.large.runners, 1],
  // 500 scripts of 20 KB are 10 MB.
  ['templates', sizes.large.templates, 10],
])('the list of %s', (path, count, fewestPages) => {
  it('costs the same for each page at both sizes', async () => {
    const [few, many] = [await read(small, `${path}?limit=25`), await read(large, `${path}?limit=25`)];
    expect(many.items).toHaveLength(25);
    expect(many.cost.requests).toBe(few.cost.requests);
    expect(many.cost.units).toBeLessThanOrEqual(few.cost.units * 1.2);
    expect(many.cost.bytes).toBeLessThanOrEqual(few.cost.bytes * 1.2);
  });

  it('has everything once, oldest first, in pages of 1 MB at most when no limit is asked', async () => {
    const pages = await readToEnd(large, `${path}?`);
    const names = pages.flatMap(({ items }) => items.map(({ name }) => name));
    expect(names).toHaveLength(count);
    expect(names).toEqual([...new Set(names)].sort());
    expect(pages.length).toBeGreaterThanOrEqual(fewestPages);
    for (const { cost } of pages) expect(cost.bytes).toBeLessThanOrEqual(megabyte + 200);
  });

  it('finds one by its name among all, each page by one request of the list', async () => {
    const one = `${path.slice(0, -1)}-${String(count).padStart(5, '0')}`;
    const plain = await read(large, `${path}?limit=25`);
    const pages = await readToEnd(large, `${path}?limit=25&search=${one.toUpperCase()}`);
    expect(pages.flatMap(({ items }) => items.map(({ name }) => name))).toEqual([one]);
    for (const { cost } of pages) expect(cost.requests).toBe(plain.cost.requests);
  });

  it('rejects a cursor of another list', async () => {
    const { nextCursor } = await read(large, 'tasks?limit=25');
    const refused = await api.refused('GET', `/api/projects/${large}/${path}?cursor=${nextCursor}`);
    expect(refused.errors).toMatchObject([{ path: 'cursor' }]);
  });
});

describe('the list of runners', () => {
  it('is filtered by status and tag', async () => {
    const pages = await readToEnd(large, 'runners?limit=100&status=online&tag=zone-4');
    const found = pages.flatMap(({ items }) => items);
    expect(found.length).toBeGreaterThan(0);
    for (const one of found) expect(one).toMatchObject({ status: 'online', tags: ['zone-4'] });
  });
});

describe('the glance at live tasks', () => {
  it('has exact counts and the next tasks, in an answer of the same size at both sizes', async () => {
    const [few, many] = await Promise.all(
      [small, large].map(async (id) => liveTasks.parse(await api.call('GET', `/api/projects/${id}/live`))),
    );
    expect(few?.counts).toEqual({ running: 0, waiting: 100, isPartial: false });
    // Of ten thousand it counts as many as DynamoDB reads at once.
    expect(many?.counts).toEqual({ running: 0, waiting: 5000, isPartial: true });
    expect(many?.waiting.map(({ message }) => message)).toEqual(
      Array.from({ length: 20 }, (_, index) => `number ${String(index + 1).padStart(5, '0')}`),
    );
    expect(JSON.stringify(many).length).toBeLessThan(JSON.stringify(few).length * 1.2);
    expect(many?.awake.first).toHaveLength(8);
    // The URL of a webhook may itself be a secret.
    for (const runner of many?.awake.first ?? []) expect(runner.webhookUrl).toBeUndefined();
  });
});
