/** Synthesizes the CDK app, by the same command that a deployment runs. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from './environment.ts';

const run = promisify(execFile);

/** The root of the repository. */
export const root = join(import.meta.dirname, '..');

/** Writes the template and its assets into the folder. */
export const synthesize = async (
  outDir: string,
  { PATH, HOME }: Environment,
  signal?: AbortSignal,
): Promise<void> => {
  try {
    await run(process.execPath, [join(root, 'infra', 'app.ts')], {
      cwd: root,
      ...(signal && { signal }),
      env: { PATH, HOME, CDK_OUTDIR: outDir },
    });
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    throw new Error(`The CDK app cannot be synthesized:\n${output}`, { cause: error });
  }
};

/** The one template in the folder. */
export const templateIn = (dir: string): string => {
  const [template, ...more] = readdirSync(dir).filter((name) => name.endsWith('.template.json'));
  if (!template || more.length > 0)
    throw new Error(`${dir} must hold exactly one template; synthesize anew.`);
  return join(dir, template);
};
