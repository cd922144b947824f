import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page, Request } from 'playwright-core';
import { expect } from 'vitest';
import * as z from 'zod';
import { makeSample } from '../../local/sample/index.ts';
import { seeded } from '../../local/seeded.ts';
import { until } from '../client.ts';
import { move, tell } from './browser.ts';
import { type Place, placesOf } from './places.ts';
import { it } from './stories.ts';

let places: readonly Place[];
it.beforeAll(async ({ fixture }) => {
  await makeSample({
    stack: fixture.stack,
    nowMs: Date.now(),
    random: seeded(1),
    password: 'a password of the sample',
  });
  places = await placesOf(fixture.api);
});

const pathOf = (place: string): string => {
  const found = places.find(({ name }) => name === place);
  if (!found) throw new Error(`There is no page ${place}`);
  return found.path;
};

/**
 * Loads axe once into each document, because it is 0.5 MB of script, and lets it describe only violations.
 * The legacy mode opens no second page per analysis: that page is for frames of other origins, which the
 * console does not have.
 */
const axe = async (page: Page): Promise<AxeBuilder> => {
  const isLoaded = await page.evaluate(() => 'axe' in window);
  return new AxeBuilder({ page, ...(isLoaded && { axeSource: 'true' }) })
    .options({ resultTypes: ['violations'] })
    .setLegacyMode();
};

/**
 * Runs axe, and returns one line for each violation. Rules other than those on colour give the same result in
 * both themes.
 */
const violationsOn = async (page: Page, where: string): Promise<string[]> => {
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  const light = await (await axe(page)).analyze();
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  const dark = await (await axe(page)).withRules(['color-contrast']).analyze();
  return [...light.violations, ...dark.violations].map(
    ({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
  );
};

const desktop = { width: 1280, height: 720 };
const phone = { width: 360, height: 740 };

it('fits every page on a phone without axe violations, light and dark', async ({ fixture }) => {
  const found: string[] = [];
  const wide: string[] = [];
  await fixture.tellAsOwner(
    'axe',
    async (page) => {
      await page.goto(pathOf('welcome'));
      for (const { name, path, ready } of places) {
        await move(page, path);
        await page.getByText(ready).filter({ visible: true }).first().waitFor();
        found.push(...(await violationsOn(page, name)));
        await page.setViewportSize(phone);
        const width = await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth);
        if (width > phone.width) wide.push(`${name} is ${width} px wide`);
        await page.setViewportSize(desktop);
      }
      const open = async (place: string, button: string, ready?: (form: Locator) => Promise<void>) => {
        await move(page, pathOf(place));
        await page.getByRole('button', { name: button }).first().click();
        const dialog = page.getByRole('dialog');
        await dialog.waitFor();
        await ready?.(dialog);
        found.push(...(await violationsOn(page, `${place}: ${button}`)));
      };
      await open('templates', 'New template');
      await open('schedules', 'New schedule', (form) => form.getByRole('table').waitFor());
      await open('integrations', 'New integration', (form) =>
        form.getByRole('button', { name: 'Add matcher' }).click(),
      );
      await open('deliveries', 'Task finish');
      await open('templates', 'Run Deploy the shop');
      await open('members', 'Invite member');
      await open('account', 'Set up an authenticator');
      await open('runners', 'New runner');
      await page.getByLabel('Name').fill('seen by axe');
      await page.getByRole('button', { name: 'Create runner' }).click();
      await page.getByRole('dialog', { name: 'Runner seen by axe is created' }).waitFor();
      found.push(...(await violationsOn(page, 'secrets of a runner')));
    },
    { isTraced: false },
  );
  await tell(
    { browser: fixture.browser, name: 'axe front', options: { baseURL: fixture.stack.url } },
    async (page) => {
      await page.goto('/sign-in');
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
      found.push(...(await violationsOn(page, 'sign-in')));
      await page.goto('/invitation#some-token');
      await page.getByRole('button', { name: 'Join' }).waitFor();
      found.push(...(await violationsOn(page, 'invitation')));
      await page.goto('/setup');
      await page.getByRole('button', { name: 'Set up' }).waitFor();
      found.push(...(await violationsOn(page, 'set-up')));
      await page.goto('/nowhere');
      await page.getByText('Page not found').waitFor();
      found.push(...(await violationsOn(page, 'no such page')));
    },
  );
  expect(wide).toEqual([]);
  expect(found).toEqual([]);
});

it('reads live data every 5 s on the dashboard while a task waits, and past data once a minute', async ({
  fixture,
}) => {
  await fixture.tellAfresh('polling', async (page) => {
    await page.clock.install();
    const asked = { live: 0, dashboard: 0 };
    const underway = new Set<Request>();
    page.on('request', (request) => {
      underway.add(request);
      const name = new URL(request.url()).pathname.split('/').at(-1);
      if (name === 'live' || name === 'dashboard') asked[name] += 1;
    });
    page.on('requestfinished', (request) => underway.delete(request));
    page.on('requestfailed', (request) => underway.delete(request));
    await page.goto(pathOf('dashboard'));
    await page.getByText('No runner has tag frankfurt').waitFor();
    const first = { ...asked };
    for (let second = 0; second < 61; second += 1) {
      await page.clock.runFor(1000);
      await until('All is answered', 60_000, () => underway.size === 0);
    }
    expect(first).toEqual({ live: 1, dashboard: 1 });
    expect(asked.live).toBeGreaterThan(9);
    expect(asked.live).toBeLessThan(15);
    expect(asked.dashboard).toBe(2);
  });
});

it('shows names in the audit trail, on a phone too', async ({ fixture }) => {
  await fixture.tellAsOwner('audit trail', async (page) => {
    await page.setViewportSize(phone);
    await page.goto(pathOf('audit'));
    const row = page.getByRole('row').filter({ hasText: 'Create template' });
    await row.getByText('Deploy the shop').filter({ visible: true }).waitFor();
    await page.setViewportSize(desktop);
    await row.getByRole('cell', { name: 'Deploy the shop' }).waitFor();
    expect(await page.getByRole('main').innerText()).not.toContain('prj_');
  });
});

it('filters the audit trail, shows values before and after, and exports it in parts', async ({ fixture }) => {
  const path = pathOf('audit');
  const project = `/api${path.replace(/\/audit$/, '')}`;
  const secret = { type: 'login_password', login: 'ada', password: 'enchantress' };
  const key = { name: 'Enigma', secret };
  const { id } = z.object({ id: z.string() }).parse(await fixture.api.call('POST', `${project}/keys`, key));
  await fixture.api.call('PUT', `${project}/keys/${id}`, {
    ...key,
    secret: { ...secret, login: 'grace', password: 'cobol' },
  });
  await fixture.tellAsOwner('audit filters', async (page) => {
    await page.goto(path);
    await page.getByRole('cell', { name: 'Deploy the shop' }).first().waitFor();
    await page.getByLabel('Kind').selectOption('Keys');
    await page.getByLabel('Object').fill('enig');
    await page.getByLabel('To').fill('2999-12-31T23:59');
    await page.getByText('Create template').first().waitFor({ state: 'detached' });
    await page.waitForURL(/kind=keys.*object=enig.*to=2999-12-31T23%3A59%3A59[.]999Z/);
    await page.reload();
    expect(await page.getByLabel('To').inputValue()).toBe('2999-12-31T23:59');

    const toggle = page.getByRole('button', { name: '2 changes' });
    await toggle.press('Enter');
    await page.getByText('secret.password').waitFor();
    expect(await toggle.getAttribute('aria-expanded')).toBe('true');
    expect((await page.getByRole('definition').allInnerTexts()).map((text) => text.split(/\s+/))).toEqual([
      ['ada', '→', 'to', 'grace'],
      ['changed'],
    ]);
    expect(await violationsOn(page, 'audit: changes')).toEqual([]);

    // The sample's trail is shorter than one part: this makes the first part end with its first event.
    let parts = 0;
    await page.route('**/audit/export?*', async (route) => {
      parts += 1;
      const isFirst = parts === 1;
      const answer = await route.fetch();
      const lines = (await answer.text()).trimEnd().split('\n');
      await route.fulfill({
        response: answer,
        body: `${isFirst ? lines[0] : lines.slice(1).join('\n')}\n`,
        ...(isFirst && {
          headers: { ...answer.headers(), link: `<${route.request().url()}>; rel="next"` },
        }),
      });
    });
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export JSON lines' }).click(),
    ]);
    const text = readFileSync(await file.path(), 'utf8').trimEnd();
    expect(text.split('\n').map((line) => JSON.parse(line).operation)).toEqual(['replaceKey', 'createKey']);
    expect(text).not.toContain('cobol');

    await page.route('**/audit/export?*', (route) => route.abort());
    await page.getByRole('button', { name: 'Export CSV' }).click();
    await page.getByRole('alert').getByText('The export failed after 0 events').waitFor();

    await page.getByLabel('Object').fill('no such key');
    await page.getByText('No event matches the filters.').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByRole('cell', { name: 'Deploy the shop' }).first().waitFor();
    expect(new URL(page.url()).search).toBe('');
    expect(await page.getByLabel('Object').inputValue()).toBe('');
  });
});
