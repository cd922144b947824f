/** A stack deployed with `console=false`: the API and the command line's calls, and no pages. */
import { expect } from 'vitest';
import * as z from 'zod';
import { problem } from '../../protocol/index.ts';
import { itOnOwnStack } from '../fixture.ts';

const it = itOnOwnStack({ schedules: false });

it('answers API calls with a token, and reconciles', async ({ own: { stack, api } }) => {
  const { id } = await api.createProject('First');
  const { items } = z
    .object({ items: z.array(z.object({ id: z.string() })) })
    .parse(await api.call('GET', '/api/projects'));
  expect(items.map((project) => project.id)).toContain(id);
  await stack.invoke('Reconcile', {});
});

it('answers a path outside the API with a problem of the API', async ({ own: { stack } }) => {
  const response = await fetch(stack.url);
  expect(response.status).toBe(404);
  expect(problem.parse(await response.json()).status).toBe(404);
  expect(stack.outputs).not.toHaveProperty('ConsoleUrl');
});
