/** Builds the console into `web/dist`, unless what is there is of the same sources. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { FileSystem } from 'aws-cdk-lib/core';
import { mirror, writeWhole } from './write-files.ts';

const run = promisify(execFile);

/** What the built files depend on. */
const sources = ['web', 'protocol', 'package-lock.json'];

const fingerprintOf = (root: string): string =>
  sources.map((path) => FileSystem.fingerprint(join(root, path), { exclude: ['dist', '*.test.ts'] })).join();

/** The program that builds; its package gives no other way to it. */
const viteProgram = (root: string): string => {
  const manifest = createRequire(join(root, 'package.json')).resolve('vite/package.json');
  return join(dirname(manifest), 'bin/vite.js');
};

/** Gives the folder with the built files. Throws what Vite says when it fails. */
export const buildConsole = async (root: string): Promise<string> => {
  const folder = join(root, 'web/dist');
  // Beside the folder, as everything in the folder is published.
  const marker = join(root, 'dist/console.fingerprint');
  const fingerprint = fingerprintOf(root);
  const isBuilt =
    existsSync(join(folder, 'index.html')) &&
    existsSync(marker) &&
    readFileSync(marker, 'utf8') === fingerprint;
  if (isBuilt) return folder;

  const unfinished = mkdtempSync(join(tmpdir(), 'reveille-console-'));
  try {
    if (existsSync(join(root, 'web/vite.config.ts'))) {
      const args = [viteProgram(root), 'build', '--config', 'web/vite.config.ts', '--logLevel', 'warn'];
      await run(process.execPath, [...args, '--outDir', unfinished, '--emptyOutDir'], { cwd: root });
    } else {
      for (const name of ['index.html', 'assets']) {
        cpSync(join(root, 'web', name), join(unfinished, name), { recursive: true });
      }
    }
    mirror(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  writeWhole(marker, fingerprint);
  return folder;
};
