import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { apiClient } from '../../test/client.ts';
import { templatesOf } from '../../test/templates.ts';
import { seeded } from '../seeded.ts';
import { startStack } from '../stack.ts';
import { makeSample } from './index.ts';
import { planWeek } from './plan.ts';
import { templates } from './seed-data.ts';

const wednesday = Date.parse('2026-11-25T12:00:00Z');

it('plans the same week again, entirely in the past, with failures', () => {
  const plan = planWeek(templates, wednesday, seeded(1));
  expect(planWeek(templates, wednesday, seeded(1))).toEqual(plan);
  expect(plan.length).toBeGreaterThan(20);
  expect(plan.every(({ startMs, runMs }) => startMs + runMs < wednesday)).toBe(true);
  expect(new Set(plan.map(({ succeeds }) => succeeds))).toEqual(new Set([true, false]));
});

it('makes a project with a normal history in the API', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'reveille-sample-'));
  const stack = await startStack({ dataDir, templateDir: await templatesOf(), schedules: false });
  try {
    const nowMs = Date.now();
    const signIn = await makeSample({
      stack,
      nowMs,
      random: seeded(1),
      password: 'a password of the sample',
    });
    const api = apiClient(stack.url, stack.adminToken ?? '');
    const { items } = (await api.call('GET', '/api/projects')) as { items: { id: `prj_${string}` }[] };
    const [project] = items;
    if (!project) throw new Error('There is no project');
    const tasks = (await api.call('GET', `/api/projects/${project.id}/tasks?limit=100`)) as {
      items: {
        id: string;
        status: string;
        templateName: string;
        createdBy: string;
        reason?: string;
        commit?: { message: string };
      }[];
    };
    const planned = planWeek(templates, nowMs, seeded(1));
    expect(tasks.items.filter(({ status }) => status !== 'waiting')).toHaveLength(planned.length);
    expect(tasks.items.find(({ status }) => status === 'waiting')?.reason).toMatch(
      /No runner has tag frankfurt/,
    );
    const schedules = (await api.call('GET', `/api/projects/${project.id}/schedules`)) as {
      items: { name: string; nextRuns: string[] }[];
    };
    const nightly = tasks.items.filter(({ createdBy }) => createdBy === 'schedule Nightly backup');
    expect(nightly.length).toBeGreaterThan(5);
    expect(schedules.items).toMatchObject([
      { name: 'Nightly backup', lastRun: { outcome: 'started', taskId: nightly[0]?.id } },
    ]);
    expect(schedules.items[0]?.nextRuns).toHaveLength(5);
    const patched = tasks.items.find(
      ({ templateName, status }) => templateName === 'Patch New York' && status === 'success',
    );
    expect(await api.call('GET', `/api/projects/${project.id}/tasks/${patched?.id}`)).toMatchObject({
      tag: 'new-york',
      hosts: [{ host: 'db-1.nyc' }, { host: 'db-2.nyc' }, { host: 'cache-3.nyc' }],
    });
    const patches = tasks.items.filter(({ templateName }) => templateName === 'Patch New York');
    expect(patches.every(({ commit }) => commit !== undefined)).toBe(true);
    expect(new Set(patches.map(({ commit }) => commit?.message)).size).toBeGreaterThan(1);
    const members = (await api.call('GET', `/api/projects/${project.id}/members`)) as {
      items: { name: string; role: string }[];
    };
    expect(members.items.map(({ name, role }) => `${name}: ${role}`).sort()).toEqual([
      'Ada: owner',
      'Grace: manager',
      'Linus: task_runner',
    ]);
    const starters = new Set(
      tasks.items.filter(({ status }) => status !== 'waiting').map((one) => one.createdBy),
    );
    expect(starters).toEqual(new Set(['schedule Nightly backup', ...members.items.map(({ name }) => name)]));
    const answer = await fetch(`${stack.url}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(signIn),
    });
    expect(await answer.json()).toMatchObject({ name: 'Ada', isAdmin: true });
    const costs = await api.getCosts(project.id);
    expect(costs.savedMicroUsd).toBeGreaterThan(costs.spentMicroUsd);
    expect(stack.ec2.list().every(({ state }) => state === 'stopped')).toBe(true);
  } finally {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
