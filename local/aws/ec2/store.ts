/** The instances on disk: one JSON file, replaced as a whole, so that a crash leaves the old or the new one. */
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
  /** ISO 8601; of the last start. */
  launchTime: z.string(),
  tags: z.record(z.string(), z.string()),
  impaired: z.literal(true).optional().describe("It fails EC2's status checks until it stops"),
  /** How it was bought; absent for one that nobody launched by a fleet. */
  market: z.enum(['spot', 'on-demand']).optional(),
  /** Of its instance profile, by name; its metadata gives out the role's credentials. */
  roleName: z.string().optional(),
  /** Whether it was launched so that it can hibernate. */
  canHibernate: z.boolean().optional(),
  /** It keeps what runs on it, while it is stopped. */
  isHibernating: z.boolean().optional(),
});
export type Instance = z.infer<typeof instance>;

const file = z.object({ instances: z.array(instance) });

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Undefined when there is no file yet. */
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
