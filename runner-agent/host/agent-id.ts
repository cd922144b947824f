/**
 * Id of this agent for the API. It stays with the working folder, so that a restart is not a second agent.
 */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';

const stored = z.uuid();

const fileIn = (workDir: string) => join(workDir, 'agent-id');

/** Reads the folder's id; undefined if there is none that can be read. */
export const findAgentId = async (workDir: string): Promise<string | undefined> =>
  stored.safeParse((await readFile(fileIn(workDir), 'utf8').catch(() => '')).trim()).data;

/** Reads the folder's id, or creates it. The caller holds the folder's lock. */
export const readAgentId = async (workDir: string): Promise<string> => {
  const found = await findAgentId(workDir);
  if (found) return found;
  const made = randomUUID();
  await writeFile(fileIn(workDir), `${made}\n`, { mode: 0o600 });
  return made;
};
