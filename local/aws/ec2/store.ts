/**
 * Instances on disk: one JSON file, replaced as a whole, so that a crash leaves the old or the new version.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { type StateName, stateCodes } from './states.ts';

const stateName = z.custom<StateName>((value) => typeof value === 'string' && value in stateCodes);

export const instance = z.object({
  id: z.string(),
  region: z.string(),
  instanceType: z.string(),
  imageId: z.string(),
  state: stateName,
  stateReason: z.object({ code: z.string(), message: z.string() }).optional(),
  /** Time of the last start, in ISO 8601. */
  launchTime: z.string(),
  tags: z.record(z.string(), z.string()),
  impaired: z.literal(true).optional().describe("It fails EC2's status checks until it stops"),
  /** Purchase option; absent for an instance that no fleet launched. */
  market: z.enum(['spot', 'on-demand']).optional(),
  /** Role of the instance profile; the metadata service returns its credentials. */
  roleName: z.string().optional(),
  /** True if the instance was launched with hibernation enabled. */
  canHibernate: z.boolean().optional(),
  /** True while the instance is stopped with its processes kept. */
  isHibernating: z.boolean().optional(),
});
export type Instance = z.infer<typeof instance>;

const file = z.object({ instances: z.array(instance) });

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Reads the instances; undefined when the file does not exist. */
export const readInstances = (path: string): Instance[] | undefined => {
  try {
    return file.parse(JSON.parse(readFileSync(path, 'utf8'))).instances;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new Error(`${path} is not a list of instances. Remove it to start without any.`, { cause: error });
  }
};

export const writeInstances = (path: string, instances: readonly Instance[]): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify({ instances }, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
};
