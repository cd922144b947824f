import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { type LocalStack, startStack } from '../../local/stack.ts';
import { templatesOf } from '../templates.ts';
import { tell } from './browser.ts';
import { it } from './stories.ts';

const folder = mkdtempSync(join(tmpdir(), 'reveille-first-run-'));
/** A stack of its own: the other stories' has users. */
let stack: LocalStack;
beforeAll(async () => {
  stack = await startStack({ dataDir: folder, templateDir: await templatesOf(), schedules: false });
});
afterAll(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('leads a newcomer from the printed link to a finished task with its live log', async ({ browser }) => {
  const instanceId = stack.ec2.createStoppedInstance();
  const link = new URLSearchParams({
    token: stack.adminToken ?? '',
    instance: instanceId,
    config: join(stack.ec2.diskOf(instanceId), 'runner.json'),
  });
  await tell({ browser, name: 'first run', options: { baseURL: stack.url } }, async (page) => {
    const button = (name: string) => page.getByRole('button', { name, exact: true });

    await page.goto(`/setup#${link}`);
    await page.getByLabel('Your name').fill('Ada Lovelace');
    await page.getByLabel('E-mail').fill('ada@example.com');
    await page.getByLabel('Password').fill('analytical engine');
    await button('Set up').click();

    await page.getByRole('heading', { name: 'Welcome, Ada Lovelace' }).waitFor();
    await page.getByLabel('Name').fill('Shop');
    const isAtStep = (title: string) =>
      page.waitForFunction((wanted) => document.activeElement?.textContent?.startsWith(wanted), title);
    await button('Create project').click();
    await isAtStep('A runner');
    await button('Create runner').click();
    await isAtStep('A runner');
    const pasted = await page.getByRole('region', { name: 'In a terminal' }).innerText();
    execFileSync('bash', ['-c', pasted]);
    await button('Continue').click();
    await isAtStep('A template');
    await button('Create template').click();
    await isAtStep('A task');
    await button('Run Hello').click();
    await isAtStep('A task');

    await page.getByText('Your first task has run.').waitFor();
    for (const width of [390, 700, 1024, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const timeline = page.getByRole('list', { name: 'Timeline of this task' });
      const cut = await timeline.evaluate((list) =>
        [...list.children].filter(
          (step) => step.scrollWidth > step.clientWidth || list.scrollWidth > list.clientWidth,
        ),
      );
      expect(cut, `at ${width} px`).toEqual([]);
    }
    await page.getByRole('region', { name: 'Output of the task' }).getByText('Good morning from').waitFor();
    await page.getByRole('link', { name: 'Go to the dashboard' }).click();
    await page.getByRole('heading', { name: 'Shop' }).waitFor();
    // EC2 bills the whole first minute of an instance that is seconds old.
    const figures = page.getByRole('main').locator('dl').first();
    await figures.getByText('Saved, 14 days').waitFor();
    expect(await figures.innerText()).not.toContain('-$');
    await page.getByRole('link', { name: 'Costs', exact: true }).first().click();
    await page.getByText('Always on would be').waitFor();
    expect(await page.getByRole('main').innerText()).not.toContain('-$');
  });
});
