/** Inputs in the browser: kept secrets, choices that do not load, and forms sent after a session ended. */
import { expect } from 'vitest';
import * as z from 'zod';
import { environment, key, type ProjectId } from '../../protocol/index.ts';
import type { Client } from '../client.ts';
import { it } from './stories.ts';

let api: Client;
let projectId: ProjectId;
it.beforeAll(async ({ fixture }) => {
  api = fixture.api;
  projectId = (await api.createProject('Vault')).id;
});

const create = (path: string, body: object) => api.call('POST', `/api/projects/${projectId}/${path}`, body);
const only = async <T extends z.ZodType>(path: string, item: T): Promise<z.infer<T> | undefined> => {
  const answer = await api.call('GET', `/api/projects/${projectId}/${path}`);
  return z.object({ items: z.array(item) }).parse(answer).items[0];
};

it('renames an environment without asking for its secrets; replaces one and removes one', async ({
  fixture,
}) => {
  await create('environments', {
    name: 'production',
    secrets: { TOKEN: 'token-1', OLD: 'old-1' },
    secretFiles: { CERT: 'cert-1' },
  });
  await fixture.tellAsOwner('environment with secrets', async (page) => {
    await page.goto(`/projects/${projectId}/environments`);
    await page.getByRole('button', { name: 'production', exact: true }).click();
    const form = page.getByRole('dialog', { name: 'Edit production' });
    expect(await form.getByLabel('Value of TOKEN').getAttribute('placeholder')).toContain('Kept');
    await form.getByLabel('Name', { exact: true }).fill('live');
    await form.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The environment is saved.').waitFor();
  });
  expect(await only('environments', environment)).toMatchObject({
    name: 'live',
    secretNames: ['OLD', 'TOKEN'],
    secretFileNames: ['CERT'],
  });

  await fixture.tellAsOwner('environment without one of its secrets', async (page) => {
    await page.goto(`/projects/${projectId}/environments`);
    await page.getByRole('button', { name: 'live', exact: true }).click();
    const form = page.getByRole('dialog', { name: 'Edit live' });
    await form.getByRole('button', { name: 'Remove OLD' }).click();
    await form.getByLabel('Value of TOKEN').fill('token-2');
    await form.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The environment is saved.').waitFor();
  });
  expect(await only('environments', environment)).toMatchObject({
    secretNames: ['TOKEN'],
    secretFileNames: ['CERT'],
  });
});

it('renames a key, and shows its login without asking for its password', async ({ fixture }) => {
  await create('keys', {
    name: 'Deploy',
    secret: { type: 'login_password', login: 'ada', password: 'hunter2-hunter2' },
  });
  await fixture.tellAsOwner('key', async (page) => {
    await page.goto(`/projects/${projectId}/keys`);
    await page.getByRole('button', { name: 'Deploy', exact: true }).click();
    const form = page.getByRole('dialog', { name: 'Edit Deploy' });
    expect(await form.getByLabel('Login').inputValue()).toBe('ada');
    await form.getByText('kept unless you type a new one').waitFor();
    await form.getByLabel('Name', { exact: true }).fill('Release');
    await form.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The key is saved.').waitFor();
  });
  expect(await only('keys', key)).toMatchObject({ name: 'Release', type: 'login_password', login: 'ada' });
});

it('says in a field that its choices did not load', async ({ fixture }) => {
  await fixture.tellAsOwner('choices', async (page) => {
    await page.route('**/keys?*', (route) => route.fulfill({ status: 403 }));
    await page.goto(`/projects/${projectId}/repositories`);
    await page.getByRole('button', { name: 'New repository' }).click();
    const key = page.getByRole('dialog').getByLabel('Key');
    await key.getByText('Not loaded').waitFor({ state: 'attached' });
    await page.getByText('The control plane answered 403 without an explanation.').waitFor();
  });
});

it('leads to the sign-in page after the session has ended, and not after a wrong password', async ({
  fixture,
}) => {
  await fixture.tellAsOwner('session', async (page) => {
    await page.goto('/account');
    await page.getByLabel('Current password').fill('difference engine');
    await page.getByLabel('New password').fill('a new password');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByRole('alert').getByText('The password is wrong.').waitFor();
    await page.context().clearCookies();
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(new URL(page.url()).searchParams.get('to')).toBe('/account');
  });
});
