/**
 * One synthesis for all tests of a run: the first test that starts a stack makes it, and the others reuse it.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from '../infra/build-lock.ts';
import { readEnvironment } from '../local/environment.ts';
import { type Context, localContext, synthesize } from '../local/template/synth.ts';

const variable = 'REVEILLE_TEST_TEMPLATES';

/** Vitest's global setup: a folder for the run, deleted at its end. */
export default () => {
  const folder = mkdtempSync(join(tmpdir(), 'reveille-templates-'));
  process.env[variable] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
};

/** Returns the folder with the templates of that context, for `startStack`, which only reads it. */
export const templatesOf = async (context: Context = localContext): Promise<string> => {
  const run = process.env[variable];
  if (run === undefined) throw new Error(`${variable} is not set: add test/templates.ts to globalSetup.`);
  const folder = join(run, createHash('sha256').update(JSON.stringify(context)).digest('hex').slice(0, 16));
  const isWhole = `${folder}.whole`;
  await withLock(`${folder}.lock`, async () => {
    if (existsSync(isWhole)) return;
    await synthesize(folder, readEnvironment(process.env), undefined, context);
    writeFileSync(isWhole, '');
  });
  return folder;
};
