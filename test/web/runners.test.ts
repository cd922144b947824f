import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, expect } from 'vitest';
import type { ProjectId } from '../../protocol/index.ts';
import { startAgent, stopAgent } from './fixture.ts';
import { it } from './stories.ts';

let projectId: ProjectId;
let agent: ChildProcess | undefined;
it.beforeAll(async ({ fixture }) => {
  projectId = (await fixture.api.createProject('Machine hall')).id;
});
afterAll(async () => {
  if (agent) await stopAgent(agent);
});

it('gives a real agent all it needs with the token and the downloaded private key', async ({ fixture }) => {
  const { api, folder, tellAsOwner, ended, stack } = fixture;
  const keyFile = join(folder, 'runner-key.pem');
  let token = '';
  await tellAsOwner('new runner', async (page) => {
    await page.goto(`/projects/${projectId}/runners`);
    await page.getByRole('button', { name: 'New runner' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Name').fill('rack-7');
    await form.getByLabel('Tags').fill('rack,');
    await form.getByRole('button', { name: 'Create runner' }).click();

    const secrets = page.getByRole('dialog', { name: 'Runner rack-7 is created' });
    token = (await secrets.getByRole('region', { name: 'Token' }).innerText()).trim();
    for (const way of ['Docker', 'Set-up command', 'systemd', 'cloud-init']) {
      await secrets.getByRole('tab', { name: way }).click();
      await secrets.getByRole('region', { name: way }).waitFor();
    }
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await secrets.getByRole('tabpanel').getByRole('button', { name: 'Copy' }).click();
    await secrets.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^#cloud-config\n/);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      secrets.getByRole('button', { name: 'Download private key' }).click(),
    ]);
    await file.saveAs(keyFile);
    await secrets.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('link', { name: 'rack-7' }).waitFor();
  });

  const workDir = join(folder, 'work');
  mkdirSync(workDir);
  agent = startAgent(workDir, {
    REVEILLE_API_URL: stack.url,
    REVEILLE_RUNNER_TOKEN: token,
    REVEILLE_RUNNER_PRIVATE_KEY_FILE: keyFile,
  });
  const { id: templateId } = await api.createTemplate(projectId, {
    name: 'Proof',
    app: 'bash',
    tag: 'rack',
    script: 'echo proof',
  });
  const { id } = await api.startTask(projectId, templateId);
  expect((await ended(projectId, id)).status).toBe('success');

  await tellAsOwner('runner page', async (page) => {
    await page.goto(`/projects/${projectId}/runners`);
    await page.getByRole('link', { name: 'rack-7' }).click();
    await page.getByRole('heading', { name: /rack-7/ }).waitFor();
    await page.getByText('The last 24 hours').waitFor();
  });
});

it('asks before it closes a new runner without its private key', async ({ fixture }) => {
  await fixture.tellAsOwner('runner without key', async (page) => {
    await page.goto(`/projects/${projectId}/runners`);
    await page.getByRole('button', { name: 'New runner' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('rack-8');
    await page.getByRole('dialog').getByRole('button', { name: 'Create runner' }).click();
    await page.getByRole('button', { name: 'Done' }).click();
    const asked = page.getByRole('alertdialog', { name: 'Close without the private key?' });
    await asked.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Download private key' }).waitFor();

    // The setup command does not contain the key, cloud-init does.
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const secrets = page.getByRole('dialog', { name: 'Runner rack-8 is created' });
    const copy = async (way: string) => {
      await secrets.getByRole('tab', { name: way }).click();
      await secrets.getByRole('tabpanel').getByRole('button', { name: 'Copy' }).click();
      await secrets.getByRole('tabpanel').getByRole('button', { name: 'Copied' }).waitFor();
      await page.getByRole('button', { name: 'Done' }).click();
    };
    await copy('Set-up command');
    await asked.getByRole('button', { name: 'Cancel' }).click();
    await copy('cloud-init');
    await secrets.waitFor({ state: 'detached' });
    expect(await asked.count()).toBe(0);
  });
});

it('keeps the token whole on a phone, beside each way to start the runner', async ({ fixture }) => {
  await fixture.tellAsOwner('secrets on a phone', async (page) => {
    await page.setViewportSize({ width: 390, height: 740 });
    await page.goto(`/projects/${projectId}/runners`);
    await page.getByRole('button', { name: 'New runner' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('rack-9');
    await page.getByRole('dialog').getByRole('button', { name: 'Create runner' }).click();
    const secrets = page.getByRole('dialog', { name: 'Runner rack-9 is created' });
    for (const way of ['systemd', 'cloud-init']) {
      await secrets.getByRole('tab', { name: way }).click();
      await secrets.getByRole('region', { name: way }).waitFor();
      const squeezed = await secrets
        .locator('figure.code')
        .evaluateAll((all) => all.filter(({ clientHeight, scrollHeight }) => clientHeight < scrollHeight));
      expect(squeezed).toEqual([]);
      expect((await secrets.locator('figure.code').first().boundingBox())?.height).toBeGreaterThan(70);
    }
  });
});

/** Returns true if the focus is in the page's main part, where keyboard and screen reader users continue. */
const isInMain = (page: Page) =>
  page.waitForFunction(() => {
    const focused = document.activeElement;
    return focused !== null && focused.closest('main') !== null;
  });

it('keeps the focus in the page when the focused element disappears', async ({ fixture }) => {
  const { addRunner, tellAsOwner } = fixture;
  const { runner } = await addRunner(projectId, { name: 'napper', tags: ['nap'] });
  await tellAsOwner('kept focus', async (page) => {
    const press = async (role: 'button' | 'menuitem', name: string) => {
      await page.getByRole(role, { name, exact: true }).focus();
      await page.keyboard.press('Enter');
    };
    await page.goto(`/projects/${projectId}/runners`);
    await press('button', 'New runner');
    await page.getByRole('dialog').getByLabel('Name').fill('brief');
    await press('button', 'Create runner');
    await page.getByRole('dialog', { name: 'Runner brief is created' }).waitFor();
    await Promise.all([page.waitForEvent('download'), press('button', 'Download private key')]);
    await press('button', 'Done');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await isInMain(page);

    await press('button', 'Actions for brief');
    await press('menuitem', 'Delete');
    await press('button', 'Delete runner');
    await page.getByRole('link', { name: 'brief' }).waitFor({ state: 'detached' });
    await isInMain(page);

    await page.goto(`/projects/${projectId}/runners/${runner.id}`);
    await press('button', 'Wake');
    await page.getByRole('button', { name: 'Wake' }).waitFor({ state: 'detached' });
    await isInMain(page);
  });
});

it('deletes a runner only after a second confirmation', async ({ fixture }) => {
  const { api, tellAsOwner } = fixture;
  const made = await api.createRunner(projectId, { name: 'old-one' });
  await tellAsOwner('delete runner', async (page) => {
    await page.goto(`/projects/${projectId}/runners`);
    await page.getByRole('button', { name: 'Actions for old-one' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete runner' }).click();
    await page.getByText('old-one is deleted.').waitFor();
    await page.getByRole('link', { name: 'old-one' }).waitFor({ state: 'detached' });
  });
  await expect(api.getRunner(projectId, made.runner.id)).rejects.toThrow(/404/);
});

it('makes a runner of a fleet without a secret, and launches its instance for the first task', async ({
  fixture,
}) => {
  const { api, tellAsOwner, ended, stack } = fixture;
  await tellAsOwner('new runner of a fleet', async (page) => {
    await page.goto(`/projects/${projectId}/runners`);
    await page.getByRole('button', { name: 'New runner' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Machine').selectOption('local');
    await form.getByLabel('Number of runners').fill('2');
    await form.getByLabel('Name').fill('cloud');
    await form.getByLabel('Tags').fill('cloud,');
    await form.getByRole('button', { name: 'Create runner' }).click();
    await page.getByRole('link', { name: 'cloud-2' }).waitFor();
    await page.getByRole('link', { name: 'cloud-1' }).click();
    await page.getByText('none: the fleet local launches one with the next task').waitFor();
  });
  const { id: templateId } = await api.createTemplate(projectId, {
    name: 'Launch',
    app: 'bash',
    tag: 'cloud',
    script: 'echo launched',
  });
  const { id } = await api.startTask(projectId, templateId);
  expect(await ended(projectId, id)).toMatchObject({ status: 'success' });
  await tellAsOwner('runner of a fleet at work', async (page) => {
    await page.goto(`/projects/${projectId}/runners`);
    const launched = stack.ec2.list().find(({ tags }) => tags['reveille:fleet'] === 'local');
    await page.getByText(launched?.id ?? 'none').waitFor();
  });
});

it('wakes a sleeping runner by a click, and lists its cost of today', async ({ fixture }) => {
  const { stack, addRunner, tellAsOwner } = fixture;
  const { runner } = await addRunner(projectId, {
    name: 'sleeper',
    tags: ['sleepy'],
    idleTimeoutMs: 600_000,
  });
  await tellAsOwner('wake', async (page) => {
    await page.goto(`/projects/${projectId}/runners/${runner.id}`);
    const title = page.getByRole('heading', { name: /sleeper/ });
    await page.getByRole('button', { name: 'Wake' }).click();
    await title.getByText('Online').waitFor();
    // Its day agrees with its badge before the next timed request.
    const day = page.getByRole('list').filter({ hasText: 'Asleep' });
    await day.getByText(/^Waking [1-9]/).waitFor();
    await page.getByRole('button', { name: 'Put to sleep' }).click();
    await title.getByText('Asleep').waitFor();
    await page.getByRole('link', { name: 'Runners', exact: true }).first().click();
    const row = page.getByRole('row').filter({ hasText: 'sleeper' });
    // EC2 bills at least one minute.
    await row.getByText('$0.0003').waitFor();
  });
  expect(stack.ec2.list().find(({ id }) => id === runner.instanceId)?.state).toBe('stopped');
});
