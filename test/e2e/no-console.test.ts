/** A stack deployed with `console=false`: the API and the command line's calls, and no pages. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { type LocalStack, startStack } from '../../local/stack.ts';
import { problem } from '../../protocol/index.ts';
import { apiClient } from '../client.ts';
import { templatesOf } from '../templates.ts';

const folder = mkdtempSync(join(tmpdir(), 'reveille-no-console-'));
let stack: LocalStack;

beforeAll(async () => {
  const templateDir = await templatesOf({ console: false });
  stack = await startStack({ dataDir: folder, templateDir, schedules: false });
});
afterAll(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('answers API calls with a token, and reconciles', async () => {
  const api = apiClient(stack.url, stack.adminToken ?? '');
  const { id } = await api.createProject('First');
  const { items } = z
    .object({ items: z.array(z.object({ id: z.string() })) })
    .parse(await api.call('GET', '/api/projects'));
  expect(items.map((project) => project.id)).toContain(id);
  await stack.invoke('Reconcile', {});
});

it('answers a path outside the API with a problem of the API', async () => {
  const response = await fetch(stack.url);
  expect(response.status).toBe(404);
  expect(problem.parse(await response.json()).status).toBe(404);
  expect(stack.outputs).not.toHaveProperty('ConsoleUrl');
});
