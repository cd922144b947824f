/**
 * `npm run release`: writes to `dist/release` what a release consists of: the agent and the command line with
 * their notices, a bill of materials of all packages in the lock file (SPDX), and the SHA-256 of each file.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { bundle, noticesName } from './bundle.ts';

new Command('npm run release').description('Writes the files of a release to dist/release.').parse();

const root = join(import.meta.dirname, '..');
const folder = join(root, 'dist/release');
const { agentFile, cliFile } = await bundle(root);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

for (const [name, file] of [
  ['reveille-runner', agentFile],
  ['reveille', cliFile],
] as const) {
  copyFileSync(file, join(folder, `${name}.mjs`));
  copyFileSync(join(dirname(file), noticesName), join(folder, `${name}.${noticesName}`));
}
// https://docs.npmjs.com/cli/v11/commands/npm-sbom
const sbom = execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format', 'spdx'], {
  cwd: root,
  maxBuffer: 64 * 1024 * 1024,
});
writeFileSync(join(folder, 'sbom.spdx.json'), sbom);

const sums = readdirSync(folder)
  .sort()
  .map(
    (name) =>
      `${createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex')}  ${name}\n`,
  );
writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
console.log(`${folder}:\n${sums.join('')}`);
