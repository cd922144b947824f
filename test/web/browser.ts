/** The browser: Debian's Chromium, and of each story that fails its trace and what was on the screen. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { root } from '../../local/template/synth.ts';

/** What is kept of failures; CI keeps the folder. */
const artefacts = join(root, 'dist/test-web');

/** For whatever has to happen: no test waits a fixed time. */
const patienceMs = 60_000;

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // As root, and on machines without a graphics card; and it calls nobody.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-dev-shm-usage',
    ],
  });

export interface Story {
  readonly browser: Browser;
  readonly name: string;
  readonly options?: BrowserContextOptions;
  /** Without: for what goes through all pages, whose trace would be large. @default true */
  readonly isTraced?: boolean;
}

/** What the browser complains of, such as a breach of the content security policy. A refused request is none. */
const listenForComplaints = (page: Page): string[] => {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && !text.startsWith('Failed to load resource')) complaints.push(text);
  });
  return complaints;
};

/** Has somebody with an empty browser do `clicks`. Fails also when the browser complained. */
export const tell = async (
  { browser, name, options = {}, isTraced = true }: Story,
  clicks: (page: Page) => Promise<void>,
): Promise<void> => {
  const context = await browser.newContext({
    acceptDownloads: true,
    locale: 'en-GB',
    // Without a graphics card, an animation that goes on takes a processor for itself.
    reducedMotion: 'reduce',
    ...options,
  });
  if (isTraced) await context.tracing.start({ screenshots: false, snapshots: true });
  const page = await context.newPage();
  page.setDefaultTimeout(patienceMs);
  const complaints = listenForComplaints(page);
  try {
    await clicks(page);
    if (complaints.length > 0) throw new Error(`The browser complained: ${complaints.join('; ')}`);
  } catch (error) {
    mkdirSync(artefacts, { recursive: true });
    const file = join(artefacts, name.replaceAll(/\W+/g, '-'));
    await page.screenshot({ path: `${file}.png`, fullPage: true }).catch(() => undefined);
    if (isTraced) await context.tracing.stop({ path: `${file}.trace.zip` }).catch(() => undefined);
    if (complaints.length > 0) console.log(`The browser complained: ${complaints.join('; ')}`);
    throw error;
  } finally {
    await context.close();
  }
};
