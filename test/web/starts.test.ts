/**
 * Automatic starts of templates in the browser: a schedule with its preview, and an integration whose URL is
 * shown once.
 */
import { expect } from 'vitest';
import * as z from 'zod';
import { integration, type ProjectId, schedule, task } from '../../protocol/index.ts';
import { type Client, until } from '../client.ts';
import { it } from './stories.ts';

let api: Client;
let projectId: ProjectId;
it.beforeAll(async ({ fixture }) => {
  api = fixture.api;
  projectId = (await api.createProject('Clockworks')).id;
  await api.createTemplate(projectId, {
    name: 'Deploy',
    app: 'bash',
    tag: 'nowhere',
    script: 'true',
    survey: [
      { name: 'site', title: 'Site', type: 'string', default: 'main' },
      { name: 'token', title: 'Token', type: 'secret' },
    ],
  });
});

const list = async <T extends z.ZodType>(path: string, item: T): Promise<z.infer<T>[]> =>
  z.object({ items: z.array(item) }).parse(await api.call('GET', `/api/projects/${projectId}/${path}`)).items;
const tasks = () => list('tasks', task);

it('makes a schedule with a preview, which starts a task; changes, copies and deletes it', async ({
  fixture,
}) => {
  const { tellAsOwner, stack } = fixture;
  await tellAsOwner('schedule', async (page) => {
    await page.goto(`/projects/${projectId}`);
    await page.getByRole('link', { name: 'Schedules' }).click();
    await page.getByText('No schedule yet').waitFor();
    await page.getByRole('button', { name: 'New schedule' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Name').fill('nightly');
    await form.getByLabel('Template').selectOption({ label: 'Deploy' });
    const cron = form.getByLabel('Cron expression');
    const preview = form.getByRole('region', { name: 'Preview' });
    await cron.fill('0 25 * * *');
    await preview.getByText('The cron expression has a wrong hour, "25"').waitFor();
    await cron.fill('0 0 13 * 5');
    await preview.getByText('make two schedules').waitFor();
    await cron.fill('30 2 * * 1-5');
    await preview.getByText('At 02:30, Monday through Friday').waitFor();
    await form.getByLabel('Time zone').fill('Mars/Base');
    await preview.getByText('must be the name of a time zone').waitFor();
    await form.getByLabel('Time zone').fill('America/New_York');
    await preview.getByRole('columnheader', { name: 'America/New_York' }).waitFor();
    await preview.getByRole('columnheader', { name: /^Your clock/ }).waitFor();
    expect(await preview.getByRole('row').count()).toBe(6);
    expect(await preview.getByRole('cell').first().innerText()).toContain('02:30');
    await form.getByLabel('Site').fill('staging');
    await form.getByLabel('Token').fill('hunter2-hunter2');
    await form.getByRole('button', { name: 'Create schedule' }).click();
    await page.getByText('The schedule is created.').waitFor();
    await page.getByText('30 2 * * 1-5').waitFor();
  });

  const [made] = await list('schedules', schedule);
  expect(made).toMatchObject({ survey: { site: 'staging' }, secretNames: ['token'], active: true });
  // A Monday in summer time.
  await stack.scheduler.runDue(new Date('2030-07-01T06:30:00Z'));
  const [started] = await tasks();
  expect(started).toMatchObject({ createdBy: 'schedule nightly', survey: { site: 'staging' } });

  await tellAsOwner('schedule afterwards', async (page) => {
    await page.goto(`/projects/${projectId}/schedules`);
    await page.getByRole('link', { name: 'Waiting' }).waitFor();
    await page.getByRole('button', { name: 'nightly', exact: true }).click();
    const form = page.getByRole('dialog', { name: 'Edit nightly' });
    await form.getByText('kept unless you type a new one').waitFor();
    await form.getByLabel('Active').uncheck();
    await form.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Inactive').waitFor();

    await page.getByRole('button', { name: 'Actions for nightly' }).click();
    await page.getByRole('menuitem', { name: 'Duplicate' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Create schedule' }).click();
    await page.getByRole('button', { name: 'nightly (copy)', exact: true }).waitFor();

    await page.getByRole('button', { name: 'Actions for nightly (copy)' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete schedule' }).click();
    await page.getByText('nightly (copy) is deleted.').waitFor();
  });
  expect(await list('schedules', schedule)).toMatchObject([
    { name: 'nightly', active: false, survey: { site: 'staging' }, secretNames: ['token'] },
  ]);
  expect(stack.scheduler.list().filter(({ Target }) => Target.Input?.includes(projectId))).toEqual([]);
});

it('shows the errors of a form at its fields by their labels, and focuses the first', async ({ fixture }) => {
  await fixture.tellAsOwner('wrong fields', async (page) => {
    await page.goto(`/projects/${projectId}/schedules`);
    await page.getByRole('button', { name: 'New schedule' }).click();
    const form = page.getByRole('dialog');
    const template = form.getByLabel('Template');
    await form.getByLabel('Name').fill('nightly');
    await form.getByRole('button', { name: 'Create schedule' }).click();
    const said = form.getByRole('alert');
    await said.waitFor();
    expect(await said.innerText()).toBe('Some fields have errors.');
    expect(await template.evaluate((field) => field === document.activeElement)).toBe(true);
    expect(await template.getAttribute('required')).not.toBeNull();
    const describedBy = (await template.getAttribute('aria-describedby')) ?? '';
    expect((await form.locator(`[id="${describedBy}"]`).innerText()).trim()).toBe('Choose one');
  });
});

it('shows an error that belongs to no field', async ({ fixture }) => {
  await fixture.tellAsOwner('fault without a field', async (page) => {
    await page.route('**/api/projects/*/schedules', (route) =>
      route.request().method() === 'POST'
        ? route.continue({ postData: { ...route.request().postDataJSON(), priority: 'high' } })
        : route.continue(),
    );
    await page.goto(`/projects/${projectId}/schedules`);
    await page.getByRole('button', { name: 'New schedule' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Create schedule' }).click();
    const said = page.getByRole('dialog').getByRole('alert');
    await said.getByText(/^Some fields have errors\. priority .+\.$/).waitFor();
  });
});

it('asks before it closes a changed form, by every way to close it', async ({ fixture }) => {
  await fixture.tellAsOwner('discard', async (page) => {
    await page.goto(`/projects/${projectId}/templates`);
    const form = page.getByRole('dialog', { name: 'New template' });
    const asked = page.getByRole('alertdialog', { name: 'Discard your changes?' });
    const open = () => page.getByRole('button', { name: 'New template' }).click();
    const cancel = () => form.getByRole('button', { name: 'Cancel' }).click();
    await open();
    await cancel();
    await form.waitFor({ state: 'detached' });
    await open();
    await form.getByLabel('Playbook').fill('- hosts: all');
    const ways = [
      () => page.keyboard.press('Escape'),
      () => form.getByRole('button', { name: 'Close' }).click(),
      cancel,
    ];
    for (const way of ways) {
      await way();
      await asked.getByRole('button', { name: 'Keep editing' }).click();
      await asked.waitFor({ state: 'detached' });
      expect(await form.getByLabel('Playbook').inputValue()).toBe('- hosts: all');
    }
    await page.keyboard.press('Escape');
    await asked.getByRole('button', { name: 'Discard' }).click();
    await form.waitFor({ state: 'detached' });
  });
});

it('makes an integration, shows its URL once, rotates it, and lists its events', async ({ fixture }) => {
  const { tellAsOwner } = fixture;
  const send = (url: string, body: object) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  let url = '';
  await tellAsOwner('integration', async (page) => {
    await page.goto(`/projects/${projectId}`);
    await page.getByRole('link', { name: 'Integrations' }).click();
    await page.getByText('No integration yet').waitFor();
    await page.getByRole('button', { name: 'New integration' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Name').fill('pushes');
    await form.getByLabel('Template').selectOption({ label: 'Deploy' });
    await form.getByRole('button', { name: 'Add matcher' }).click();
    const matcher = form.getByRole('region', { name: 'Matchers 1' });
    await matcher.getByLabel('JSON pointer').fill('ref');
    await matcher.getByLabel('Value').fill('refs/heads/main');
    await form.getByRole('button', { name: 'Add variable' }).click();
    const variable = form.getByRole('region', { name: 'Variables 1' });
    await variable.getByLabel('Variable', { exact: true }).fill('site');
    await variable.getByLabel('JSON pointer').fill('/repository/name');
    await form.getByRole('button', { name: 'Create integration' }).click();
    await matcher.getByText('must be a JSON pointer').waitFor();
    await matcher.getByLabel('JSON pointer').fill('/ref');
    await form.getByRole('button', { name: 'Create integration' }).click();

    const shown = page.getByRole('dialog', { name: 'The URL of pushes' });
    url = (await shown.getByRole('region', { name: 'URL' }).innerText()).trim();
    await shown.getByRole('button', { name: 'Copy' }).waitFor();
    await shown.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: 'pushes', exact: true }).waitFor();
  });
  const event = { ref: 'refs/heads/main', repository: { name: 'shop' } };
  expect((await send(url, event)).status).toBe(202);
  expect((await send(url, { ref: 'refs/heads/next' })).status).toBe(200);
  const started = await until('the event has started its task', 60_000, async () => {
    const own = (await tasks()).filter(({ createdBy }) => createdBy === 'integration pushes');
    return own.length > 0 && own;
  });
  expect(started).toMatchObject([{ survey: { site: 'shop' } }]);

  await tellAsOwner('integration afterwards', async (page) => {
    await page.goto(`/projects/${projectId}/integrations`);
    const act = async (name: string) => {
      await page.getByRole('button', { name: 'Actions for pushes' }).click();
      await page.getByRole('menuitem', { name }).click();
    };
    await act('Last events');
    const events = page.getByRole('dialog', { name: 'Last events of pushes' });
    await events.getByText('Did not match').waitFor();
    await events.getByText('/ref should equal "refs/heads/main"').waitFor();
    await events.getByRole('link', { name: 'the task' }).waitFor();
    await events.getByRole('button', { name: 'Close' }).click();

    await act('New URL');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Create new URL' }).click();
    const shown = page.getByRole('dialog', { name: 'The URL of pushes' });
    const another = (await shown.getByRole('region', { name: 'URL' }).innerText()).trim();
    await shown.getByRole('button', { name: 'Done' }).click();
    expect(another).not.toBe(url);
    expect((await send(url, event)).status).toBe(404);
    expect((await send(another, event)).status).toBe(202);

    await page.getByRole('button', { name: 'pushes', exact: true }).click();
    const form = page.getByRole('dialog', { name: 'Edit pushes' });
    await form.getByRole('button', { name: 'Remove matcher 1' }).click();
    await form.getByLabel('Active').uncheck();
    await form.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Inactive').waitFor();
  });
  expect(await list('integrations', integration)).toMatchObject([
    { name: 'pushes', active: false, matchers: [], variables: [{ variable: 'site' }] },
  ]);

  await tellAsOwner('integration deleted', async (page) => {
    await page.goto(`/projects/${projectId}/integrations`);
    await page.getByRole('button', { name: 'Actions for pushes' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete integration' }).click();
    await page.getByText('No integration yet').waitFor();
  });
});
