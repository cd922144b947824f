import { describe, expect, it } from 'vitest';
import type { Environment } from './environment.ts';
import { openSession } from './session.ts';
import type { Stored } from './store.ts';

const createdAt = '2026-11-24T12:00:00.000Z';
const projects = ['Red', 'Blue'].map((name, n) => ({
  id: `prj_${String(n).repeat(26)}`,
  name,
  logRetentionDays: 90,
  createdAt,
}));

/** Opens a session over these projects; returns it with the headers of its calls. */
const open = async (env: Partial<Environment>, stored?: Stored, items = projects) => {
  const calls: { url: string; headers: Headers }[] = [];
  const session = await openSession({
    env: { HOME: '/home/ada', ...env },
    store: { path: '', read: async () => stored, write: async () => {}, remove: async () => {} },
    version: '1',
    fetch: async (url, init) => {
      calls.push({ url: String(url), headers: new Headers(init?.headers) });
      return Response.json({ items });
    },
  });
  return { session, calls };
};

describe('a session', () => {
  it('uses the sign-in at its own stack', async () => {
    const { session, calls } = await open({}, { url: 'https://a.test', cookie: 'c=1' });
    await session.api.projects();
    expect(calls[0]?.url).toBe('https://a.test/api/projects');
    expect(calls[0]?.headers.get('cookie')).toBe('c=1');
    expect(calls[0]?.headers.get('x-reveille-csrf')).toBe('1');
  });

  it('never sends the sign-in to another stack', async () => {
    const elsewhere = open({ REVEILLE_URL: 'https://b.test' }, { url: 'https://a.test', token: 'x' });
    await expect(elsewhere).rejects.toThrow('Sign in to https://b.test first');
  });

  it('prefers the token of the environment', async () => {
    const { session, calls } = await open({ REVEILLE_TOKEN: 'y' }, { url: 'https://a.test', token: 'x' });
    await session.api.projects();
    expect(calls[0]?.headers.get('authorization')).toBe('Bearer y');
  });

  it('uses the named project, else the chosen one, else the only one', async () => {
    const [red, blue] = projects;
    const stored = { url: 'https://a.test', token: 'x', project: blue?.id };
    const chosen = (await open({}, stored)).session;
    expect((await chosen.project(undefined)).name).toBe('Blue');
    expect((await chosen.project('red')).name).toBe('Red');
    expect((await (await open({ REVEILLE_PROJECT: 'Red' }, stored)).session.project(undefined)).name).toBe(
      'Red',
    );
    const { project: _, ...unchosen } = stored;
    await expect((await open({}, unchosen)).session.project(undefined)).rejects.toThrow(
      /There are: Red, Blue/,
    );
    expect((await (await open({}, unchosen, red && [red])).session.project(undefined)).name).toBe('Red');
  });
});
