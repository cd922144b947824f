/** Synthesizes the CDK app with the command of a deployment. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compileCache } from '../compile-cache.ts';
import type { Environment } from '../environment.ts';

const run = promisify(execFile);

/** The root of the repository. */
export const root = join(import.meta.dirname, '../..');

/** Values for "context" in cdk.json. */
export type Context = Readonly<Record<string, unknown>>;

/** Region of the local stack: one whose instance prices Reveille knows. */
export const localRegion = 'us-east-1';

/**
 * One fleet whose instances sleep, and one whose instances terminate, so that a newcomer can launch instances
 * at once.
 */
export const localContext: Context = {
  fleets: [
    {
      name: 'local',
      region: localRegion,
      instanceTypes: ['t4g.small', 't4g.medium'],
      idleTimeoutSeconds: 10,
    },
    {
      name: 'local-spot',
      region: localRegion,
      instanceTypes: ['t4g.small', 'm7g.medium'],
      spot: true,
      idleTimeoutSeconds: 10,
    },
  ],
};

/**
 * Returns a folder with the templates and their assets, for reading. It stays while this process lives. The
 * same sources and context are synthesized once.
 */
export const synthesize = async (
  { PATH, HOME }: Environment,
  { signal, context = localContext }: { signal?: AbortSignal; context?: Context } = {},
): Promise<string> => {
  const env = { PATH, HOME, NODE_COMPILE_CACHE: compileCache, CDK_CONTEXT_JSON: JSON.stringify(context) };
  try {
    const program = join(root, 'infra', 'cached-templates.ts');
    const { stdout } = await run(process.execPath, [program], { cwd: root, signal, env });
    return stdout.trimEnd();
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    throw new Error(`The CDK app cannot be synthesized:\n${output}`, { cause: error });
  }
};

/** A template of a folder, and its stack. */
export interface StackTemplate {
  readonly path: string;
  readonly stackName: string;
}

/** Template of the fleets in one region. */
export interface FleetTemplate extends StackTemplate {
  readonly region: string;
}

const suffix = '.template.json';
const fleetsPattern = /^(.+)-fleets-([a-z0-9-]+)$/;

/** Lists the templates in the folder: the control plane's, and those of fleets by region. */
export const templatesIn = (dir: string): { control: StackTemplate; fleets: FleetTemplate[] } => {
  const all = readdirSync(dir)
    .filter((name) => name.endsWith(suffix))
    .map((name) => ({ path: join(dir, name), stackName: name.slice(0, -suffix.length) }));
  const fleets = all.flatMap((one) => {
    const region = fleetsPattern.exec(one.stackName)?.[2];
    return region === undefined ? [] : [{ ...one, region }];
  });
  const [control, ...more] = all.filter(({ stackName }) => !fleetsPattern.test(stackName));
  if (!control || more.length > 0)
    throw new Error(`${dir} must hold exactly one template beside those of fleets; synthesize again.`);
  return { control, fleets };
};
