/** The browser: Debian's Chromium. For each failed story it keeps a trace and a screenshot. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { root } from '../../local/template/synth.ts';

/** Folder for traces and screenshots of failures; CI keeps it. */
const artefacts = join(root, 'dist/test-web');

/** Timeout for every event: no test waits a fixed time. */
const patienceMs = 60_000;

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // For root, and for machines without a graphics card; without network calls of its own.
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
  /** False for a story through all pages, whose trace would be large. @default true */
  readonly isTraced?: boolean;
}

/**
 * Records the browser's errors, such as a violation of the content security policy, but no rejected requests.
 */
const listenForComplaints = (page: Page): string[] => {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    const text = message.text();
    if (message.type() === 'error' && !text.startsWith('Failed to load resource')) complaints.push(text);
  });
  return complaints;
};

/** Performs `clicks` in a fresh browser context. Fails also when the browser logs an error. */
export const tell = async (
  { browser, name, options = {}, isTraced = true }: Story,
  clicks: (page: Page) => Promise<void>,
): Promise<void> => {
  const context = await browser.newContext({
    acceptDownloads: true,
    locale: 'en-GB',
    // Without a graphics card, a running animation uses a whole processor.
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
