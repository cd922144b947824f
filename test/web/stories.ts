/**
 * Vitest's `it` for stories: all files of a worker share one stack, one browser and one fixture, whose start
 * costs as much as several stories. A file makes its own project, and depends on nothing that other files
 * make.
 */
import { it as base } from '../fixture.ts';
import { launch } from './browser.ts';
import { openFixture } from './fixture.ts';

export const it = base
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the used fixtures from the pattern.
  .extend('browser', { scope: 'worker' }, async ({}, { onCleanup }) => {
    const browser = await launch();
    onCleanup(() => browser.close());
    return browser;
  })
  .extend('fixture', { scope: 'worker' }, async ({ shared, browser }, { onCleanup }) => {
    const fixture = await openFixture(browser, shared);
    onCleanup(fixture.close);
    return fixture;
  });
