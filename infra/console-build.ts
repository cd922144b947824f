/** Builds the console into `web/dist`, unless what is there is of the same sources. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { unlessBuilt } from './built.ts';
import { mirror } from './write-files.ts';

const run = promisify(execFile);

/** What the built files depend on. */
const sources = ['web', 'protocol', 'package-lock.json'];

/** The program that builds; its package gives no other way to it. */
const viteProgram = (root: string): string => {
  const manifest = createRequire(join(root, 'package.json')).resolve('vite/package.json');
  return join(dirname(manifest), 'bin/vite.js');
};

/** Gives the folder with the built files. Throws what Vite says when it fails. */
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
