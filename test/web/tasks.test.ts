import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Request } from 'playwright-core';
import { afterAll, expect } from 'vitest';
import type { ProjectId, Task } from '../../protocol/index.ts';
import { until } from '../client.ts';
import { tell } from './browser.ts';
import { startAgent, stopAgent } from './fixture.ts';
import { it } from './stories.ts';

let projectId: ProjectId;
let agent: ChildProcess | undefined;
const templates: Record<'quick' | 'slow' | 'nowhere' | 'asks', string> = {
  quick: '',
  slow: '',
  nowhere: '',
  asks: '',
};

it.beforeAll(async ({ fixture }) => {
  const { api, addRunner } = fixture;
  projectId = (await api.createProject('Bakery')).id;
  await addRunner(projectId, { name: 'sydney-1', tags: ['sydney'] });
  await addRunner(projectId, { name: 'sydney-2', tags: ['sydney'] });
  const make = async (name: string, input: object) =>
    (await api.createTemplate(projectId, { name, app: 'bash', tag: 'sydney', ...input })).id;
  templates.quick = await make('Quick', { script: 'echo quick' });
  templates.slow = await make('Slow', { script: 'echo begun; exec sleep 600', stopGraceMs: 0 });
  templates.nowhere = await make('Nowhere', { script: 'true', tag: 'mars' });
  templates.asks = await make('Asks', {
    script: 'echo "version $VERSION"',
    survey: [{ name: 'VERSION', title: 'Version', type: 'string', required: true }],
  });
});
afterAll(async () => {
  if (agent) await stopAgent(agent);
});

const at = (path: string) => `/projects/${projectId}/${path}`;

it('shows under the tag which runners would take a task, or that none would', async ({ fixture }) => {
  await fixture.tellAsOwner('routing sentence', async (page) => {
    await page.goto(at('templates'));
    await page.getByRole('button', { name: 'New template' }).click();
    const form = page.getByRole('dialog');
    const sentence = form.locator('.sentence');
    await form.getByLabel(/^Tag( optional)?$/).fill('sydney');
    await sentence.getByText(/sydney-[12]/).waitFor();
    await form.getByLabel(/^Tag( optional)?$/).fill('mars');
    await sentence.getByText(/No runner has tag mars/).waitFor();
  });
});

it('shows in the run dialog only the launch options of the template, filled in', async ({ fixture }) => {
  const { id } = await fixture.api.createTemplate(projectId, {
    name: 'Patch',
    app: 'ansible',
    script: '- hosts: all',
    tag: 'mars',
    ansible: { limit: 'staging' },
  });
  await fixture.tellAsOwner('launch options', async (page) => {
    await page.goto(at('templates'));
    await page.getByRole('button', { name: 'Run Patch' }).click();
    const run = page.getByRole('dialog', { name: 'Run Patch' });
    await run.getByLabel('Message').waitFor();
    expect(await run.getByLabel('Limit').count()).toBe(0);
    await run.getByRole('button', { name: 'Cancel' }).click();

    await page.getByRole('button', { name: 'Patch', exact: true }).click();
    const edit = page.getByRole('dialog', { name: 'Edit Patch' });
    const options = edit.getByRole('group', { name: 'Launch options' });
    expect(await options.getByLabel('Action').count()).toBe(0);
    await options.getByLabel('Limit at the start').check();
    await edit.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The template is saved.').waitFor();

    await page.getByRole('button', { name: 'Run Patch' }).click();
    expect(await run.getByLabel('Limit').inputValue()).toBe('staging');
    expect(await run.getByLabel('Show differences').count()).toBe(0);
    await run.getByLabel('Limit').fill('production');
    await run.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText('Limit (changed)').waitFor();
    await page.getByText('production').waitFor();
  });
  const made = await fixture.api.call('GET', `/api/projects/${projectId}/tasks?templateId=${id}`);
  expect(made).toMatchObject({ items: [{ ansible: { limit: 'production' }, changed: ['limit'] }] });
});

it('starts a task with the answers of its survey, and shows wrong answers', async ({ fixture }) => {
  await fixture.tellAsOwner('survey', async (page) => {
    await page.goto(at('templates'));
    await page.getByRole('button', { name: 'Run Asks' }).click();
    const form = page.getByRole('dialog', { name: 'Run Asks' });
    await form.getByRole('button', { name: 'Run', exact: true }).click();
    await form.getByRole('alert').waitFor();
    await form.getByLabel('Version').fill('1.2.3');
    await form.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('heading', { name: /Asks/ }).getByText('Success').waitFor();
    await page.getByRole('region', { name: 'Output of the task' }).getByText('version 1.2.3').waitFor();
  });
});

it('overflows work of a full runner to another of its tag, then shows why the next task waits', async ({
  fixture,
}) => {
  const { api, ended, tellAsOwner } = fixture;
  const started: Task[] = [];
  for (let made = 0; made < 3; made += 1) started.push(await api.startTask(projectId, templates.slow));
  const running = await until('two of them run', 60_000, async () => {
    const now = await Promise.all(started.map(({ id }) => api.getTask(projectId, id)));
    const found = now.filter(({ status }) => status === 'running');
    return found.length === 2 && found;
  });
  expect(new Set(running.map(({ runnerId }) => runnerId)).size).toBe(2);

  await tellAsOwner('overflow', async (page) => {
    await page.goto(at('tasks'));
    await page.getByText(/2 of 2 slots of .* are taken/).waitFor();
    await page.goto(`/projects/${projectId}`);
    await page.getByRole('heading', { name: 'Waiting, and why' }).waitFor();
    await page.getByText(/2 of 2 slots of .* are taken/).waitFor();
  });

  for (const { id } of started) await api.stopTask(projectId, id);
  for (const { id } of started) expect((await ended(projectId, id)).status).toBe('stopped');
});

it('shows why no runner takes a task, stops it and runs it again by clicks', async ({ fixture }) => {
  await fixture.tellAsOwner('stop and run again', async (page) => {
    const { id } = await fixture.api.startTask(projectId, templates.nowhere);
    await page.goto(at(`tasks/${id}`));
    await page.getByText('No runner has tag mars in this project.', { exact: false }).waitFor();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Stop task' }).click();
    await page
      .getByRole('heading', { name: /Nowhere/ })
      .getByText('Stopped')
      .waitFor();
    await page.getByRole('button', { name: 'Run again' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run', exact: true }).click();
    await page.waitForURL((url) => url.pathname.includes('/tasks/') && !url.pathname.endsWith(id));
    await page
      .getByRole('heading', { name: /Nowhere/ })
      .getByText('Waiting')
      .waitFor();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Stop task' }).click();
    await page
      .getByRole('heading', { name: /Nowhere/ })
      .getByText('Stopped')
      .waitFor();
  });
});

it('stops a running task by clicks', async ({ fixture }) => {
  await fixture.tellAsOwner('stop a running task', async (page) => {
    const { id } = await fixture.api.startTask(projectId, templates.slow);
    await page.goto(at(`tasks/${id}`));
    await page.getByRole('region', { name: 'Output of the task' }).getByText('begun').waitFor();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Stop task' }).click();
    await page.getByRole('heading', { name: /Slow/ }).getByText('Stopped').waitFor();
  });
});

/** Stand-in for OpenTofu: one resource to add, and the output of its steps. */
const tofu = `#!/bin/sh
case "$2" in
  init) echo 'Initialised' ;;
  plan) echo 'Plan: 1 to add'; exit 2 ;;
  apply) echo 'Applied: 1 added' ;;
esac
`;

it('waits with a plan for confirmation by a permitted user, and ends when it is rejected', async ({
  fixture,
}) => {
  const { api, folder, stack, tellAsOwner } = fixture;
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'tofu'), tofu, { mode: 0o755 });
  const made = await api.createRunner(projectId, { name: 'planner', tags: ['plans'] });
  const workDir = join(folder, 'planner');
  mkdirSync(workDir);
  const keyFile = join(folder, 'planner-key.pem');
  writeFileSync(keyFile, made.privateKey ?? '', { mode: 0o600 });
  agent = startAgent(workDir, {
    PATH: `${bin}:${process.env.PATH}`,
    REVEILLE_API_URL: stack.url,
    REVEILLE_RUNNER_TOKEN: made.token,
    REVEILLE_RUNNER_PRIVATE_KEY_FILE: keyFile,
  });
  const network = { name: 'Network', app: 'tofu', tag: 'plans', script: '# one resource' };
  const { id: networkId } = await api.createTemplate(projectId, network);
  await tellAsOwner('confirm', async (page) => {
    const run = async () => {
      await page.goto(at('templates'));
      await page.getByRole('button', { name: 'Run Network' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Run', exact: true }).click();
      await title.getByText('Waiting for confirmation').waitFor();
      await output.getByText('Plan: 1 to add').waitFor();
    };
    const title = page.getByRole('heading', { name: /Network/ });
    const output = page.getByRole('region', { name: 'Output of the task' });
    await run();
    await page.getByRole('button', { name: 'Confirm' }).click();
    await output.getByText('Applied: 1 added').waitFor();
    await title.getByText('Success').waitFor();

    await api.call('PUT', `/api/projects/${projectId}/templates/${networkId}`, {
      ...network,
      confirmedBy: 'another_person',
    });
    await run();
    await page.getByText('The template requires another person to confirm').waitFor();
    expect(await page.getByRole('button', { name: 'Confirm' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Reject' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Reject' }).click();
    await title.getByText('Stopped').waitFor();
    expect(await output.getByText('Applied: 1 added').count()).toBe(0);
  });
});

it('sends a webhook delivery again by a click', async ({ fixture }) => {
  const { api, ended, tellAsOwner } = fixture;
  const { id } = await api.startTask(projectId, templates.quick);
  await ended(projectId, id);
  await until('its finish is delivered', 60_000, async () =>
    (await api.listDeliveries(projectId)).some(
      ({ taskId, body, status }) => taskId === id && body.action === 'finish' && status === 'delivered',
    ),
  );
  await tellAsOwner('send again', async (page) => {
    await page.goto(at('deliveries'));
    await page.getByRole('button', { name: 'Task finish' }).first().click();
    const shown = page.getByRole('dialog', { name: 'Task finish' });
    await shown.getByRole('region', { name: 'Request' }).getByText('"action": "finish"').waitFor();
    const before = await shown.getByRole('listitem').count();
    await shown.getByRole('button', { name: 'Send again' }).click();
    // By its role, which it lacks where it is hidden from screen readers.
    const said = page.getByRole('status').filter({ hasText: 'Sent and accepted.' });
    await said.waitFor();
    const again = await shown.getByRole('button', { name: 'Send again' }).boundingBox();
    const toast = await said.boundingBox();
    expect((toast?.y ?? 0) + (toast?.height ?? 0)).toBeLessThanOrEqual(again?.y ?? 0);
    await shown.getByRole('listitem').nth(before).waitFor();
  });
});

it('shows the cost of a task on the page of costs', async ({ fixture }) => {
  await fixture.tellAsOwner('costs', async (page) => {
    await page.goto(at('costs'));
    await page.getByText('Always on would be').waitFor();
    await page.getByRole('rowheader', { name: 'sydney-1' }).first().waitFor();
    await page.getByRole('rowheader', { name: 'Slow' }).first().waitFor();
    await page.locator('.recharts-bar-rectangle').first().waitFor();
  });
});

it('shows a guest tasks and logs, but no secret and no button that runs anything', async ({ fixture }) => {
  const { api, browser, stack } = fixture;
  await api.createEnvironment(projectId, { name: 'Production', secrets: { TOKEN: 'a-secret-of-theirs' } });
  const invited = await api.call('POST', `/api/projects/${projectId}/invitations`, {
    email: 'guest@example.com',
    role: 'guest',
  });
  const { token } = invited as { token: string };
  await tell({ browser, name: 'guest', options: { baseURL: stack.url } }, async (page) => {
    await page.goto(`/invitation#${token}`);
    await page.getByLabel('Your name').fill('Grace');
    await page.getByLabel('Password').fill('a long password');
    await page.getByRole('button', { name: 'Join' }).click();
    await page.getByRole('heading', { name: 'Bakery' }).waitFor();
    await page.getByRole('link', { name: 'Templates' }).click();
    await page.getByRole('heading', { name: 'Templates' }).waitFor();
    await page.getByText('Quick').waitFor();
    expect(await page.getByRole('button', { name: /^(Run|New|What to do)/ }).count()).toBe(0);
    await page.getByRole('link', { name: 'Environments' }).click();
    await page.getByText('Production').waitFor();
    expect(await page.content()).not.toContain('a-secret-of-theirs');
    await page.getByRole('link', { name: 'Tasks' }).click();
    await page.getByRole('link', { name: 'Quick' }).first().click();
    await page
      .getByRole('region', { name: 'Output of the task' })
      .getByText('quick', { exact: true })
      .waitFor();
    expect(await page.getByRole('button', { name: /^(Run|Stop)/ }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Webhook deliveries' }).count()).toBe(0);
  });
});

it('finds an old task by its message, and by the user who started it', async ({ fixture }) => {
  const { api, tellAsOwner } = fixture;
  const { id } = await api.createProject('Archive');
  const template = await api.createTemplate(id, { name: 'Old', app: 'bash', script: 'true', tag: 'mars' });
  const start = (message: string) =>
    api.call('POST', `/api/projects/${id}/tasks`, { templateId: template.id, message });
  await start('The needle');
  for (let made = 0; made < 60; made += 1) await start(`Hay ${made}`);
  await tellAsOwner('search', async (page) => {
    await page.goto(`/projects/${id}/tasks`);
    await page.getByText('Hay 59', { exact: true }).waitFor();
    expect(await page.getByText('The needle').count()).toBe(0);
    await page.getByLabel('Search tasks').fill('NEEDLE');
    await page.getByText('The needle').waitFor();
    await page.getByText('Hay 59', { exact: true }).waitFor({ state: 'detached' });
    await page.reload();
    await page.getByText('The needle').waitFor();
    await page.getByLabel('Search tasks').fill('');
    await page.getByText('Hay 59', { exact: true }).waitFor();
    await page.getByLabel('Started by').selectOption('Ada Lovelace');
    await page.getByText('No matching task', { exact: true }).waitFor();
    await page.getByLabel('Started by').selectOption({ index: 0 });
    await page.getByText('Hay 59', { exact: true }).waitFor();
  });
});

it('compares the costs of several projects', async ({ fixture }) => {
  await fixture.tellAsOwner('project costs', async (page) => {
    await page.goto(`/projects/${projectId}`);
    await page.getByRole('link', { name: 'Costs of all projects' }).click();
    const bakery = page.getByRole('row').filter({ hasText: 'Bakery' });
    await bakery.getByText('$').first().waitFor();
    await page.getByRole('rowheader', { name: 'Archive' }).waitFor();
    await bakery.getByRole('link', { name: 'Bakery' }).click();
    await page.getByRole('heading', { name: 'By runner' }).waitFor();
  });
});

it('refuses to delete a used resource and names its users; deletes a duplicate', async ({ fixture }) => {
  const { api, tellAsOwner } = fixture;
  const { id: inventoryId } = await api.createInventory(projectId, {
    name: 'Web hosts',
    type: 'static',
    content: 'localhost',
  });
  await api.createTemplate(projectId, {
    name: 'Roll out',
    app: 'ansible',
    script: '- hosts: all',
    inventoryId,
  });
  await tellAsOwner('in use', async (page) => {
    await page.goto(at('inventories'));
    const act = async (name: string, what: string) => {
      await page.getByRole('button', { name: `Actions for ${name}`, exact: true }).click();
      await page.getByRole('menuitem', { name: what }).click();
    };
    await act('Web hosts', 'Delete');
    const asked = page.getByRole('alertdialog');
    await asked.getByRole('button', { name: 'Delete inventory' }).click();
    await asked.getByText(/The inventory is used by template "Roll out"/).waitFor();
    await asked.getByRole('button', { name: 'Cancel' }).click();
    await act('Web hosts', 'Duplicate');
    await page.getByRole('dialog').getByRole('button', { name: 'Create inventory' }).click();
    await page.getByRole('button', { name: 'Web hosts (copy)', exact: true }).waitFor();
    await act('Web hosts', 'Duplicate');
    const copy = page.getByRole('dialog', { name: 'New inventory' });
    expect(await copy.getByLabel('Name').inputValue()).toBe('Web hosts (copy 2)');
    await copy.getByRole('button', { name: 'Cancel' }).click();
    await act('Web hosts (copy)', 'Delete');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete inventory' }).click();
    await page.getByText('Web hosts (copy) is deleted.').waitFor();
  });
});

it('sends no requests while its tab is hidden, and continues when it is visible again', async ({
  fixture,
}) => {
  await fixture.tellAfresh('hidden', async (page) => {
    await page.clock.install();
    let asked = 0;
    page.on('request', (request) => {
      if (request.url().includes('/api/')) asked += 1;
    });
    const show = (state: 'hidden' | 'visible') =>
      page.evaluate((now) => {
        Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => now });
        document.dispatchEvent(new Event('visibilitychange'));
      }, state);
    const minutesPass = () => page.clock.runFor(5 * 60_000);
    await page.goto(at('tasks'));
    await page.getByRole('link', { name: 'Quick' }).first().waitFor();
    asked = 0;
    await minutesPass();
    await until('it asks again', 60_000, () => asked > 0);
    await page.waitForLoadState('networkidle');
    await show('hidden');
    asked = 0;
    await minutesPass();
    expect(asked).toBe(0);
    await show('visible');
    await minutesPass();
    await until('it asks again', 60_000, () => asked > 0);
  });
});

const sizes = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const;

/** Waits until the whole element is in the window. */
const inSight = (target: Locator) =>
  until('it is in sight', 60_000, () =>
    target.evaluate((element) => {
      const { top, right, bottom, left } = element.getBoundingClientRect();
      return top >= 0 && left >= 0 && right <= innerWidth && bottom <= innerHeight;
    }),
  );

it('keeps the followed end, a search hit and a linked line in sight, on a phone too', async ({ fixture }) => {
  const { api, ended, tellAsOwner } = fixture;
  const { id: templateId } = await api.createTemplate(projectId, {
    name: 'Chatty',
    app: 'bash',
    tag: 'sydney',
    script: "seq 400; printf '%0400d needle\\n' 0; seq 400; echo needle; echo done; exec sleep 600",
    stopGraceMs: 0,
  });
  const { id } = await api.startTask(projectId, templateId);
  await tellAsOwner('log in sight', async (page) => {
    const frame = page.getByRole('region', { name: 'Output of the task' });
    const search = page.getByLabel('Search the log');
    await page.setViewportSize(sizes.desk);
    await page.goto(at(`tasks/${id}`));
    await frame.getByText('done', { exact: true }).waitFor();
    await inSight(frame.getByText('done', { exact: true }));

    for (const size of Object.values(sizes)) {
      await page.setViewportSize(size);
      await page.goto(at(`tasks/${id}`));
      await search.fill('needle');
      await page.getByText('Found on 2 lines', { exact: true }).waitFor();
      await search.press('Shift+Enter');
      await page.getByText('2 of 2 lines', { exact: true }).waitFor();
      await search.press('Shift+Enter');
      await page.getByText('1 of 2 lines', { exact: true }).waitFor();
      await inSight(frame.locator('.hit mark'));
      await page.goto(at(`tasks/${id}#L200`));
      await inSight(frame.locator('.linked .log-number').filter({ hasText: '200' }));
      await page.goto(at(`tasks/${id}#L600`));
      await inSight(frame.locator('.linked .log-number').filter({ hasText: '600' }));
    }
  });
  await api.stopTask(projectId, id);
  await ended(projectId, id);
});

it('polls a waiting task slowly, and its log not at all', async ({ fixture }) => {
  const { api, ended, tellAfresh } = fixture;
  const { id } = await api.startTask(projectId, templates.nowhere);
  await tellAfresh('gentle', async (page) => {
    await page.clock.install();
    const asked: string[] = [];
    const underway = new Set<Request>();
    page.on('request', (request) => {
      underway.add(request);
      if (request.url().includes('/api/')) asked.push(new URL(request.url()).pathname);
    });
    page.on('requestfinished', (request) => underway.delete(request));
    page.on('requestfailed', (request) => underway.delete(request));
    await page.goto(at(`tasks/${id}`));
    await page.getByText('No output yet').waitFor();
    await page.waitForLoadState('networkidle');
    asked.length = 0;
    for (let seconds = 0; seconds < 20; seconds += 1) {
      await page.clock.runFor(1000);
      await until('all is answered', 60_000, () => underway.size === 0);
    }
    expect(asked.filter((path) => path.endsWith('/log'))).toEqual([]);
    expect(asked.length).toBeGreaterThan(4);
    expect(asked.length).toBeLessThan(20);
  });
  await api.stopTask(projectId, id);
  await ended(projectId, id);
});

it('shows since when the control plane does not answer, until it answers again', async ({ fixture }) => {
  await fixture.tellAsOwner('outage', async (page) => {
    const told = page.getByRole('status').getByText('The control plane does not answer.');
    await page.goto(`/projects/${projectId}`);
    await page.getByRole('heading', { name: 'Bakery' }).waitFor();
    await page.route('**/api/**', (route) => route.abort());
    await told.getByText(/from before \d\d:\d\d/).waitFor();
    await page.unroute('**/api/**');
    await told.waitFor({ state: 'detached' });

    // A list that could not be read at all.
    await page.route('**/api/**', (route) => route.abort());
    await page.getByRole('link', { name: 'Repositories' }).click();
    await page.locator('main .page').getByText('The control plane does not answer.').waitFor();
    await told.waitFor();
    await page.unroute('**/api/**');
    await page.getByText('No repository yet').waitFor();
    await told.waitFor({ state: 'detached' });
  });
});

it('starts, watches and stops a task by keyboard alone', async ({ fixture }) => {
  await fixture.tellAsOwner('keyboard task', async (page) => {
    const press = async (key: string, times = 1) => {
      for (let pressed = 0; pressed < times; pressed += 1) await page.keyboard.press(key);
    };
    const tabTo = async (name: string) => {
      for (let pressed = 0; pressed < 80; pressed += 1) {
        await press('Tab');
        const said = await page
          .locator(':focus')
          .evaluate((focused: HTMLElement) => focused.getAttribute('aria-label') ?? focused.innerText);
        if (said === name) return;
      }
      throw new Error(`There is no way to "${name}" by Tab`);
    };
    await page.goto(at('templates'));
    await page.getByRole('button', { name: 'Run Slow' }).waitFor();
    await tabTo('Run Slow');
    await press('Enter');
    await page.getByRole('dialog', { name: 'Run Slow' }).waitFor();
    await tabTo('Run');
    await press('Enter');
    await page.getByRole('region', { name: 'Output of the task' }).getByText('begun').waitFor();
    await tabTo('Stop');
    await press('Enter');
    await page.getByRole('alertdialog').waitFor();
    await tabTo('Stop task');
    await press('Enter');
    await page.getByRole('heading', { name: /Slow/ }).getByText('Stopped').waitFor();
    await page.waitForFunction(() => document.activeElement?.closest('main') !== null);
    await tabTo('Run again');
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
});

it('signs in by keyboard alone', async ({ fixture }) => {
  const { browser, stack } = fixture;
  await tell({ browser, name: 'keyboard', options: { baseURL: stack.url } }, async (page) => {
    await page.goto('/');
    await page.getByLabel('E-mail').focus();
    await page.keyboard.type('ada@example.com');
    await page.keyboard.press('Tab');
    await page.keyboard.type('analytical engine');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Waiting, and why' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').innerText()).toBe('Skip to the content');
  });
});
