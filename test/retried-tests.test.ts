import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startVitest } from 'vitest/node';
import { reportRetried } from './retried-tests.ts';

/** Folder in the repository, so that its tests find vitest. */
const folder = mkdtempSync(join(import.meta.dirname, 'retried-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('names only the tests that needed a second attempt', async () => {
  writeFileSync(
    join(folder, 'flaky.case.ts'),
    `import { describe, expect, it } from 'vitest';
     let tries = 0;
     describe('a suite', () => {
       it('fails once', () => expect(++tries).toBe(2));
       it('passes', () => {});
     });`,
  );
  const list = join(folder, 'retried.txt');
  writeFileSync(list, '');
  const vitest = await startVitest('test', [], {
    root: folder,
    config: false,
    include: ['*.case.ts'],
    retry: 1,
    watch: false,
    reporters: [reportRetried(list)],
  });
  await vitest.close();
  expect(readFileSync(list, 'utf8')).toBe('flaky.case.ts › a suite > fails once\n');
});
