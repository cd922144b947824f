import AxeBuilder from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeSample } from '../../local/sample/index.ts';
import { seeded } from '../../local/seeded.ts';
import { tell } from './browser.ts';
import { type Place, placesOf } from './places.ts';
import { openSetting, type Setting } from './setting.ts';

let setting: Setting;
let places: readonly Place[];
beforeAll(async () => {
  setting = await openSetting();
  await makeSample({ stack: setting.stack, nowMs: Date.now(), random: seeded(1) });
  places = await placesOf(setting.api);
});
afterAll(() => setting?.close());

/** What axe finds, in a line each. The rules that are not about colours find the same in both themes. */
const violationsOn = async (page: Page, where: string): Promise<string[]> => {
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  const light = await new AxeBuilder({ page }).analyze();
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  const dark = await new AxeBuilder({ page }).withRules(['color-contrast']).analyze();
  return [...light.violations, ...dark.violations].map(
    ({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
  );
};

it('axe finds nothing against any page, light and dark', async () => {
  const found: string[] = [];
  await setting.tellAsOwner(
    'axe',
    async (page) => {
      for (const { name, path, ready } of places) {
        await page.goto(path);
        await page.getByText(ready).filter({ visible: true }).first().waitFor();
        found.push(...(await violationsOn(page, name)));
      }
      for (const one of ['template', 'schedule', 'integration']) {
        await page.goto(places.find(({ name }) => name === `${one}s`)?.path ?? '');
        await page.getByRole('button', { name: `New ${one}` }).click();
        const form = page.getByRole('dialog');
        await form.waitFor();
        if (one === 'schedule') await form.getByRole('table').waitFor();
        if (one === 'integration') await form.getByRole('button', { name: 'Add matcher' }).click();
        found.push(...(await violationsOn(page, `${one} form`)));
      }
    },
    { isTraced: false },
  );
  await tell(
    { browser: setting.browser, name: 'axe front', options: { baseURL: setting.stack.url } },
    async (page) => {
      await page.goto('/sign-in');
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
      found.push(...(await violationsOn(page, 'sign-in')));
    },
  );
  expect(found).toEqual([]);
});

it('No page is wider than a phone', async () => {
  const wide: string[] = [];
  await setting.tellAsOwner('phone', async (page) => {
    await page.setViewportSize({ width: 360, height: 740 });
    for (const { name, path, ready } of places) {
      await page.goto(path);
      await page.getByText(ready).first().waitFor({ state: 'attached' });
      const width = await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth);
      if (width > 360) wide.push(`${name} is ${width} px wide`);
    }
  });
  expect(wide).toEqual([]);
});
