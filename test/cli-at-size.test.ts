import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseEnvironment } from '../cli/environment.ts';
import { createProgram } from '../cli/program.ts';
import { type ApiFixture, openApiFixture } from '../lambdas/api/testing/fixture.ts';
import { type ProjectId, project } from '../protocol/index.ts';
import { writeAll } from './batch-write.ts';
import { openTestTable, type TestTable } from './dynamodb.ts';
import { type Stock, stockItems } from './stock.ts';

let table: TestTable;
let api: ApiFixture;
let small: ProjectId;
let large: ProjectId;
let home: string;

const stockProject = async (name: string, stock: Stock): Promise<ProjectId> => {
  const { id } = project.parse(await api.call('POST', '/api/projects', { name }));
  await writeAll(table.client, table.tableName, await stockItems(id, stock));
  return id;
};

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'reveille-cli-'));
  table = await openTestTable();
  api = await openApiFixture(table);
  small = await stockProject('small', { runners: 100, waiting: 100, templates: 50 });
  large = await stockProject('large', { runners: 1000, waiting: 10_000, templates: 500 });
});
afterAll(async () => {
  await table.close();
  rmSync(home, { recursive: true, force: true });
});

const never = () => Promise.reject(new Error('The test answers no questions.'));

/** Runs a command; returns what it printed, and its requests and writes in their order. */
const run = async (projectId: ProjectId, ...args: string[]) => {
  let printed = '';
  const requests: { path: string; bytes: number }[] = [];
  const order: ('asked' | 'printed')[] = [];
  const output = (write: (text: string) => void) => ({
    isTerminal: false,
    write: async (text: string) => write(text),
  });
  const program = createProgram({
    version: '1.0.0',
    env: parseEnvironment({
      REVEILLE_URL: 'http://127.0.0.1:8787',
      REVEILLE_TOKEN: api.adminToken,
      REVEILLE_PROJECT: projectId,
      HOME: home,
    }),
    terminal: {
      out: output((text) => {
        printed += text;
        if (text !== '') order.push('printed');
      }),
      err: output(() => {}),
      canAsk: false,
      readAll: never,
      onInterrupt: () => () => {},
      now: Date.now,
      sleep: never,
    },
    fetch: async (input, init) => {
      const { pathname, search } = new URL(String(input));
      const answer = await api.app.request(`${pathname}${search}`, init);
      const text = await answer.text();
      requests.push({ path: `${pathname}${search}`, bytes: Buffer.byteLength(text) });
      order.push('asked');
      return new Response(text, { status: answer.status, headers: answer.headers });
    },
    exitWith: () => {},
  });
  await program.parseAsync(args, { from: 'user' });
  return { printed, requests, order };
};

const names = z.array(z.looseObject({ name: z.string() }));

describe('the command line at 1,000 runners, 10,000 waiting tasks and 500 templates', () => {
  it('prints a list while it is read, in pages of a hundred', async () => {
    const { printed, requests, order } = await run(large, 'runner', 'list');
    const lines = printed.trimEnd().split('\n');
    expect(lines).toHaveLength(1001);
    expect(lines.at(-1)).toMatch(/^runner-01000 /);
    const pages = requests.filter(({ path }) => path.includes('/runners?'));
    // The tenth page ends where the list does, which only the next one tells.
    expect(pages).toHaveLength(11);
    for (const { bytes } of pages) expect(bytes).toBeLessThanOrEqual(100_000);
    // The first page is printed before the second one is asked for.
    expect(order.indexOf('printed')).toBeLessThan(order.lastIndexOf('asked') - 7);
  });

  it.each([
    ['runner', 'runner-00100'],
    ['template', 'template-00050'],
  ])('asks for as much of a %s list with a limit as at a hundred', async (kind, name) => {
    const [few, many] = [
      await run(small, kind, 'list', '--limit', '20'),
      await run(large, kind, 'list', '--limit', '20'),
    ];
    expect(many.requests).toHaveLength(few.requests.length);
    for (const [index, { bytes }] of many.requests.entries())
      expect(bytes).toBeLessThanOrEqual((few.requests[index]?.bytes ?? 0) * 1.2);
    const found = await run(large, kind, 'list', '--search', name.toUpperCase(), '--json');
    expect(names.parse(JSON.parse(found.printed)).map((one) => one.name)).toEqual([name]);
  });

  it('prints one JSON array of the asked number of tasks', async () => {
    const { printed, requests } = await run(
      large,
      'task',
      'list',
      '--status',
      'waiting',
      '-n',
      '250',
      '--json',
    );
    const tasks = z.array(z.looseObject({ message: z.string() })).parse(JSON.parse(printed));
    expect(tasks).toHaveLength(250);
    expect(tasks.at(-1)?.message).toBe('number 09751');
    expect(requests.filter(({ path }) => path.includes('/tasks?'))).toHaveLength(3);
    const found = await run(large, 'task', 'list', '--search', 'number 00001', '--json');
    expect(JSON.parse(found.printed)).toHaveLength(1);
    expect((await run(large, 'task', 'list', '--search', 'nothing', '--json')).printed).toBe('[]\n');
  });

  it('finds one by its name without reading the list', async () => {
    const { printed, requests } = await run(large, 'runner', 'show', 'RUNNER-00999');
    expect(printed).toMatch(/^Name +runner-00999\n/);
    expect(Math.max(...requests.map(({ bytes }) => bytes))).toBeLessThan(2000);
    const started = await run(large, 'task', 'run', 'template-00499');
    expect(started.printed).toMatch(/^tsk_/);
    expect(Math.max(...started.requests.map(({ bytes }) => bytes))).toBeLessThan(2000);
  });

  it('filters runners by status and tag', async () => {
    const { printed } = await run(large, 'runner', 'list', '--status', 'online', '--tag', 'zone-4', '--json');
    const found = z
      .array(z.looseObject({ status: z.string(), tags: z.array(z.string()) }))
      .parse(JSON.parse(printed));
    expect(found.length).toBeGreaterThan(0);
    for (const one of found) expect(one).toMatchObject({ status: 'online', tags: ['zone-4'] });
  });
});
