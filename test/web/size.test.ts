import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { ProjectId } from '../../protocol/index.ts';
import { until } from '../client.ts';
import { itOnOwnStack } from '../fixture.ts';
import { launch } from './browser.ts';
import { openFixture } from './fixture.ts';
import { stockProject } from './size.ts';

const it = itOnOwnStack({ context: undefined, schedules: false })
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the used fixtures from the pattern.
  .extend('browser', { scope: 'file' }, async ({}, { onCleanup }) => {
    const browser = await launch();
    onCleanup(() => browser.close());
    return browser;
  })
  .extend('fixture', { scope: 'file' }, async ({ own, browser }, { onCleanup }) => {
    const fixture = await openFixture(browser, own);
    onCleanup(fixture.close);
    return fixture;
  });

/** Rows that the browser has at most, however long the list is: three screens of them. */
const mostRows = 60;

let small: ProjectId;
let large: ProjectId;
it.beforeAll(async ({ own }) => {
  small = await stockProject(own, 'Small', { runners: 100, waiting: 100, templates: 60 });
  large = await stockProject(own, 'Large', { runners: 1000, waiting: 10_000, templates: 500 });
});

/** Lists and what each has first and, where it is polled, reads again. */
const lists = [
  { name: 'runners', path: 'runners', isPolled: true, row: 'runner-00001', read: /\/runners\?limit=50$/ },
  {
    name: 'waiting tasks',
    path: 'tasks?status=waiting',
    isPolled: true,
    row: /number \d+/,
    read: /\/tasks\?limit=50&status=waiting$/,
  },
  { name: 'templates', path: 'templates', isPolled: false, row: 'template-00001', read: /\/templates\?/ },
  { name: 'dashboard', path: '', isPolled: true, row: 'Waiting, and why', read: /\/live$/ },
] as const;

/** Opens a list and follows it through two polls; returns the bytes of each request, by path and query. */
const follow = async (page: Page, projectId: ProjectId, list: (typeof lists)[number]) => {
  const seen = new Map<string, { times: number; bytes: number }>();
  page.on('response', async (response) => {
    const { pathname, search } = new URL(response.url());
    if (!pathname.startsWith('/api/')) return;
    const bytes = (await response.body().catch(() => Buffer.alloc(0))).length;
    // The time of a query is another one each time.
    const name = `${pathname.replace(projectId, 'ID')}${search.replace(/spentSince=.*/, 'spentSince')}`;
    seen.set(name, { times: (seen.get(name)?.times ?? 0) + 1, bytes });
  });
  await page.goto(`/projects/${projectId}/${list.path}`);
  await page.getByText(list.row).first().waitFor();
  await until(`${list.name} are read`, 30_000, () =>
    [...seen].some(([name, { times }]) => list.read.test(name) && times >= (list.isPolled ? 3 : 1)),
  );
  await page.waitForLoadState('networkidle');
  return { seen, rows: await page.locator('tbody tr').count() };
};

describe('the console at 1,000 runners, 10,000 waiting tasks and 500 templates', () => {
  it.for(lists)('asks for the same of $name as at a hundred', async (list, { fixture }) => {
    const results: Awaited<ReturnType<typeof follow>>[] = [];
    for (const projectId of [small, large]) {
      await fixture.tellAsOwner(`follow ${list.name}`, async (page) => {
        results.push(await follow(page, projectId, list));
      });
    }
    const [few, many] = results;
    expect([...(many?.seen.keys() ?? [])].sort()).toEqual([...(few?.seen.keys() ?? [])].sort());
    for (const [name, { bytes }] of many?.seen ?? []) {
      expect(bytes, name).toBeLessThanOrEqual((few?.seen.get(name)?.bytes ?? 0) * 1.2);
    }
    expect(many?.rows).toBeLessThanOrEqual(mostRows);
  });

  it('draws few rows of a list that is scrolled to its end, and polls those on screen alone', async ({
    fixture,
  }) => {
    await fixture.tellAsOwner('scroll to the end', async (page) => {
      await page.goto(`/projects/${large}/runners`);
      await page.getByText('runner-00001').waitFor();
      const table = page.getByRole('table', { name: 'Runners' });
      expect(await table.getAttribute('aria-rowcount')).toBe('-1');
      const last = page.getByRole('row').filter({ hasText: 'runner-01000' });
      await until('the last runner is shown', 60_000, async () => {
        await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
        return (await last.count()) > 0;
      });
      expect(await page.locator('tbody tr').count()).toBeLessThanOrEqual(mostRows);
      // A thousand, the one beside them, and the header; the thousandth is the last but one.
      expect(await table.getAttribute('aria-rowcount')).toBe('1002');
      expect(await last.getAttribute('aria-rowindex')).toBe('1001');
      const polled = new Set<string>();
      let polls = 0;
      page.on('request', (request) => {
        if (!/\/runners\?limit=50(&cursor=\w+)?$/.test(request.url())) return;
        polled.add(request.url());
        polls += 1;
      });
      await until(
        'the end of the list was polled twice',
        60_000,
        () => polls >= polled.size * 2 && polls > 1,
      );
      expect(polled.size).toBeLessThanOrEqual(2);
    });
  });

  it('finds one of a thousand runners by the keyboard', async ({ fixture }) => {
    await fixture.tellAsOwner('search runners', async (page) => {
      await page.goto(`/projects/${large}/runners`);
      await page.getByText('runner-00001').waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('00999');
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'runner-00999' }).waitFor();
      expect(await page.locator('tbody tr').count()).toBe(1);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'runner-00999' }).waitFor();
      await page.goBack();
      await page.getByRole('link', { name: 'runner-00999' }).waitFor();
      await page.getByLabel('Search runners').fill('runner-0001');
      await page.getByRole('link', { name: 'runner-00010' }).waitFor();
      await page.getByLabel('Search runners').press('ArrowDown');
      for (const name of ['runner-00011', 'runner-00012']) {
        await page.keyboard.press('ArrowDown');
        expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(name);
      }
      for (let step = 0; step < 3; step += 1) await page.keyboard.press('ArrowUp');
      expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
        'Search runners',
      );
    });
  });

  it('finds the task that has waited longest, the last of ten thousand', async ({ fixture }) => {
    await fixture.tellAsOwner('search tasks', async (page) => {
      await page.goto(`/projects/${large}/tasks`);
      await page.getByText('number 10000').waitFor();
      await page.getByLabel('Search tasks').fill('number 00001');
      await page.getByRole('row').filter({ hasText: 'number 00001' }).waitFor();
      expect(await page.locator('tbody tr').count()).toBe(1);
    });
  });

  it('chooses one of 500 templates by a part of its name', async ({ fixture }) => {
    await fixture.tellAsOwner('choose a template', async (page) => {
      await page.goto(`/projects/${large}/tasks`);
      await page.getByText('number 10000').waitFor();
      await page.getByRole('combobox', { name: 'Template' }).fill('00001');
      await page.getByRole('option', { name: 'template-00001' }).click();
      await page.waitForURL(/templateId=tpl_/);
      await page.reload();
      const isNamed = () =>
        until('the chosen template is named', 30_000, async () => {
          return (await page.getByRole('combobox', { name: 'Template' }).inputValue()) === 'template-00001';
        });
      await isNamed();
      // What was typed and not chosen changes nothing.
      await page.getByRole('combobox', { name: 'Template' }).fill('template-00002');
      await page.getByRole('option', { name: 'template-00002' }).waitFor();
      await page.keyboard.press('Tab');
      await isNamed();
      expect(page.url()).toMatch(/templateId=tpl_/);

      await page.getByRole('button', { name: 'Run a task' }).click();
      const release = Promise.withResolvers<void>();
      let held = 0;
      await page.route('**/templates/tpl_*', async (route) => {
        held += 1;
        await release.promise;
        await route.continue();
      });
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('combobox', { name: 'Template' }).fill('');
      await dialog.getByRole('combobox', { name: 'Template' }).pressSequentially('00499');
      await page.getByRole('listbox').getByRole('option', { name: 'template-00499' }).waitFor();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      // The list stays closed when the chosen one has been read, though the field has the focus.
      const chosen = dialog.getByRole('combobox', { name: 'Template' });
      await until('its survey and its name are asked for', 30_000, () => held >= 3);
      expect(await chosen.inputValue()).toBe('template-00499');
      release.resolve();
      await page.getByRole('heading', { name: 'Run template-00499' }).waitFor();
      await dialog.getByLabel('Message').waitFor();
      expect(await page.getByRole('listbox').count()).toBe(0);
      await dialog.getByRole('button', { name: 'Run', exact: true }).click();
      await page.getByRole('heading', { name: 'template-00499' }).waitFor();
    });
  });

  it('is accessible on a desktop and on a phone', async ({ fixture }) => {
    for (const viewport of [
      { width: 1280, height: 800 },
      { width: 390, height: 844 },
    ]) {
      await fixture.tellAsOwner(`axe at size ${viewport.width}`, async (page) => {
        await page.setViewportSize(viewport);
        for (const { path, row } of lists) {
          await page.goto(`/projects/${large}/${path}`);
          await page.getByText(row).first().waitFor();
          const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
          expect(violations, path).toEqual([]);
          const { scrollWidth, clientWidth } = await page.evaluate(() => ({
            scrollWidth: document.documentElement.scrollWidth,
            clientWidth: document.documentElement.clientWidth,
          }));
          expect(scrollWidth, path).toBeLessThanOrEqual(clientWidth);
        }
      });
    }
  });
});
