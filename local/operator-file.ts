/** `operator.json`, in the data folder of a running stack: other programs call its AWS with it. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { readJsonFile } from './json.ts';

const operator = z.object({
  /** AWS endpoint of the stack. */
  endpoint: z.string(),
  region: z.string(),
  /** Credentials with full access. */
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string(), sessionToken: z.string() }),
  tableName: z.string(),
  /** A task queue's URL without the queue's name. */
  queueUrlPrefix: z.string(),
});

/** Access of the account's owner: full access to AWS, and the names in it. */
export type Operator = z.infer<typeof operator>;

const fileIn = (dataDir: string): string => join(dataDir, 'operator.json');

/** Writes the file, for this user only; returns the function that removes it. */
export const writeOperator = (dataDir: string, access: Operator): (() => void) => {
  const path = fileIn(dataDir);
  // An older file keeps its mode when it is written again.
  rmSync(path, { force: true });
  writeFileSync(path, `${JSON.stringify(access, undefined, 2)}\n`, { mode: 0o600 });
  return () => rmSync(path, { force: true });
};

/** Reads the file; undefined when no stack runs with the folder. */
export const readOperator = (dataDir: string): Operator | undefined =>
  existsSync(fileIn(dataDir)) ? readJsonFile(fileIn(dataDir), operator) : undefined;
