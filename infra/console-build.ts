/** Builds the console into `web/dist`, unless its sources are unchanged. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { unlessBuilt } from './built.ts';
import { mirror } from './write-files.ts';

const run = promisify(execFile);

/** Sources of the built files. */
const sources = ['web', 'protocol', 'package-lock.json'];

/** Path of the Vite program; its package exports no other way to it. */
const viteProgram = (root: string): string => {
  const manifest = createRequire(join(root, 'package.json')).resolve('vite/package.json');
  return join(dirname(manifest), 'bin/vite.js');
};

/** Returns the folder with the built files. Throws with Vite's output on failure. */
export const buildConsole = async (root: string): Promise<string> => {
  const folder = join(root, 'web/dist');
  const built = {
    root,
    sources,
    marker: join(root, 'dist/console.fingerprint'),
    results: [join(folder, 'index.html')],
  };
  await unlessBuilt(built, () => buildInto(root, folder));
  return folder;
};

const buildInto = async (root: string, folder: string): Promise<void> => {
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
};
