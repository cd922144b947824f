/** Grants of roles and their use, kept over many runs of the stack for `npm run iam:report`. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { RoleSpec } from '../template/stack-spec.ts';
import type { Grant } from './evaluate.ts';
import { parseIdentityPolicy } from './policy.ts';

/** Lists every action and resource that a role's policies allow, as the policies write them. */
export const grantsOf = ({ policies }: RoleSpec): Grant[] =>
  policies
    .flatMap(parseIdentityPolicy)
    .filter(({ effect }) => effect === 'Allow')
    .flatMap(({ actions, resources }) =>
      actions.flatMap((action) =>
        resources.map((resource) => ({ action: action.text, resource: resource.text })),
      ),
    );

const use = z.object({ role: z.string(), action: z.string(), resource: z.string() });

/** A used grant and the logical id of its role. */
export type Use = z.infer<typeof use>;

/**
 * Appends each use as a line to this process's own file in the folder, so that a killed run keeps its
 * records.
 */
export const recordUses = (folder: string): ((role: RoleSpec, grant: Grant) => void) => {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${process.pid}.jsonl`);
  return ({ logicalId }, { action, resource }) => {
    const line: Use = { role: logicalId, action, resource };
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  };
};

/** Reads the records of all runs in the folder. */
export const readUses = (folder: string): Use[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => use.parse(JSON.parse(line)));
