/** The browser: Debian's Chromium. For each failed story it keeps a trace and a screenshot. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
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

export type Clicks = (page: Page) => Promise<void>;

interface Told {
  readonly name: string;
  /** False for a story through all pages, whose trace would be large. @default true */
  readonly isTraced?: boolean;
}

export interface Story extends Told {
  readonly browser: Browser;
  readonly options?: BrowserContextOptions;
}

const openContext = (browser: Browser, options: BrowserContextOptions): Promise<BrowserContext> =>
  browser.newContext({
    acceptDownloads: true,
    locale: 'en-GB',
    // Without a graphics card, a running animation uses a whole processor.
    reducedMotion: 'reduce',
    ...options,
  });

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

/** Performs `clicks` on a new page of the context. Fails also when the browser logs an error. */
const perform = async (
  context: BrowserContext,
  { name, isTraced = true }: Told,
  clicks: Clicks,
): Promise<void> => {
  const file = join(artefacts, name.replaceAll(/\W+/g, '-'));
  if (isTraced) await context.tracing.start({ screenshots: false, snapshots: true });
  const page = await context.newPage();
  page.setDefaultTimeout(patienceMs);
  const complaints = listenForComplaints(page);
  try {
    await clicks(page);
    if (complaints.length > 0) throw new Error(`The browser complained: ${complaints.join('; ')}`);
    if (isTraced) await context.tracing.stop();
  } catch (error) {
    mkdirSync(artefacts, { recursive: true });
    await page.screenshot({ path: `${file}.png`, fullPage: true }).catch(() => undefined);
    if (isTraced) await context.tracing.stop({ path: `${file}.trace.zip` }).catch(() => undefined);
    if (complaints.length > 0) console.log(`The browser complained: ${complaints.join('; ')}`);
    throw error;
  }
};

/** Performs `clicks` in a fresh browser context. */
export const tell = async ({ browser, options = {}, ...told }: Story, clicks: Clicks): Promise<void> => {
  const context = await openContext(browser, options);
  try {
    await perform(context, told, clicks);
  } finally {
    await context.close();
  }
};

type Cookies = Awaited<ReturnType<BrowserContext['cookies']>>;

export interface Visitor {
  /** Origin of the console. */
  readonly origin: string;
  readonly cookies: Cookies;
}

/** Makes the context as new for the page, except for the browser's cache: with the visitor's cookies only. */
const forget = async (context: BrowserContext, page: Page, { origin, cookies }: Visitor): Promise<void> => {
  const devTools = await context.newCDPSession(page);
  await devTools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
  await devTools.detach();
  await context.clearCookies();
  await context.addCookies(cookies);
  await context.clearPermissions();
  await context.setOffline(false);
  await context.unrouteAll();
};

/**
 * Opens a browser context for many stories of one visitor. Only the first story loads and compiles the
 * console's scripts; the cache has them for the others. Nothing else stays from one story to the next. A
 * story with `page.clock` or `context.addInitScript` needs a fresh context: Playwright can remove neither.
 */
export const keepContext = async (browser: Browser, visitor: Visitor) => {
  const context = await openContext(browser, { baseURL: visitor.origin });
  // An open page keeps the window and the renderer's process for the next story.
  const keeper = await context.newPage();
  await keeper.goto('/favicon.svg');
  return async (told: Told, clicks: Clicks): Promise<void> => {
    try {
      await perform(context, told, async (page) => {
        await forget(context, page, visitor);
        await clicks(page);
      });
    } finally {
      for (const page of context.pages()) if (page !== keeper) await page.close();
    }
  };
};

/**
 * Goes to another page of the console as a click on a link does, without a load of the console. Resolves when
 * the heading of the page before is gone.
 */
export const move = async (page: Page, path: string): Promise<void> => {
  const left = await page.locator('main h1').elementHandle();
  await page.evaluate((to) => history.pushState({}, '', to), path);
  await page.waitForFunction((heading) => !heading?.isConnected, left);
};
