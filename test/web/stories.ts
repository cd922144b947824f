/**
 * Vitest's `it` for stories: every file of a worker shares one browser and one setting, whose start costs as
 * much as several stories. A file makes a project of its own, and depends on nothing that other files make.
 */
import { test } from 'vitest';
import { templatesOf } from '../templates.ts';
import { launch } from './browser.ts';
import { openSetting } from './setting.ts';

export const it = test
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern which fixtures this one needs.
  .extend('browser', { scope: 'worker' }, async ({}, { onCleanup }) => {
    const browser = await launch();
    onCleanup(() => browser.close());
    return browser;
  })
  .extend('setting', { scope: 'worker' }, async ({ browser }, { onCleanup }) => {
    const setting = await openSetting(browser, { templateDir: await templatesOf() });
    onCleanup(setting.close);
    return setting;
  });
