/**
 * Vitest's `it` for stories: all files of a worker share one stack, one browser and one setting, whose start
 * costs as much as several stories. A file makes its own project, and depends on nothing that other files
 * make.
 */
import { it as base } from '../fixture.ts';
import { launch } from './browser.ts';
import { openSetting } from './setting.ts';

export const it = base
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the used fixtures from the pattern.
  .extend('browser', { scope: 'worker' }, async ({}, { onCleanup }) => {
    const browser = await launch();
    onCleanup(() => browser.close());
    return browser;
  })
  .extend('setting', { scope: 'worker' }, async ({ shared, browser }, { onCleanup }) => {
    const setting = await openSetting(browser, shared);
    onCleanup(setting.close);
    return setting;
  });
