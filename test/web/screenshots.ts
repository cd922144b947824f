/** `npm run screenshots`: the sample project's main pages in docs/images/, at desktop and phone width. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeSample } from '../../local/sample/index.ts';
import { seeded } from '../../local/seeded.ts';
import { startStack } from '../../local/stack.ts';
import { root } from '../../local/template/synth.ts';
import { apiClient } from '../client.ts';
import { launch } from './browser.ts';
import { openFixture } from './fixture.ts';
import { placesOf } from './places.ts';

const folder = join(root, 'docs/images');
const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const;
const chosen = ['dashboard', 'task', 'runners', 'runner', 'costs', 'tasks'];

const browser = await launch();
const dataDir = mkdtempSync(join(tmpdir(), 'reveille-screenshots-'));
const stack = await startStack({ dataDir, schedules: false });
const fixture = await openFixture(browser, { stack, api: apiClient(stack.url, stack.adminToken ?? '') });
try {
  await makeSample({
    stack,
    nowMs: Date.now(),
    random: seeded(1),
    password: 'a password of the sample',
  });
  const places = (await placesOf(fixture.api)).filter(({ name }) => chosen.includes(name));
  mkdirSync(folder, { recursive: true });
  for (const [size, viewport] of Object.entries(sizes)) {
    await fixture.tellAsOwner(`screenshots ${size}`, async (page) => {
      await page.setViewportSize(viewport);
      for (const { name, path, ready } of places) {
        await page.goto(path);
        await page.getByText(ready).first().waitFor({ state: 'attached' });
        // Wait for lazily loaded parts, such as charts.
        await page.waitForLoadState('networkidle');
        await page.screenshot({ path: join(folder, `${name}-${size}.png`), animations: 'disabled' });
        console.log(`${name}-${size}.png`);
      }
    });
  }
} finally {
  fixture.close();
  await browser.close();
  await stack.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
