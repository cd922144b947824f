/**
 * Synthesizes the app for another program on this machine, and prints the folder with its templates and
 * assets. The same sources and context are synthesized once. The folder stays while the calling process
 * lives.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fingerprintOf } from './fingerprint.ts';
import { keepFolder } from './kept-folder.ts';

const root = join(import.meta.dirname, '..');
const sources = [
  ...['infra', 'lambdas', 'protocol', 'runner-agent', 'cli', 'web'],
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'cdk.json'],
];
const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

const folder = await keepFolder(
  {
    parent: join(root, 'dist/templates'),
    versionNow: () => shortHash(process.version + fingerprintOf(root, sources)),
    name: shortHash(process.env.CDK_CONTEXT_JSON ?? ''),
    userPid: process.ppid,
  },
  async (outDir) => {
    // The CDK reads both variables, as its command line sets them.
    process.env.CDK_OUTDIR = outDir;
    await import('./app.ts');
  },
);
console.log(folder);
