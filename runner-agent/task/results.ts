/** Stores results that the API has not accepted yet on disk, so that they outlive the agent. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { finishRequest } from '../../protocol/agent.ts';
import { projectId, taskId } from '../../protocol/ids.ts';
import { logChunk } from '../../protocol/log.ts';

const outcome = z.object({
  projectId,
  taskId,
  attempt: z.int(),
  result: finishRequest.omit({ lease: true, logChunks: true, chunks: true }),
  /** Number of chunks in the log, and those that the API may not have. Masked, as they are sent. */
  chunks: z.int(),
  pending: z.array(logChunk),
});
export type Outcome = z.infer<typeof outcome>;

export interface Results {
  /** Keeps the result until it is removed. Replaces one of the same attempt. */
  save(outcome: Outcome): Promise<void>;
  remove(outcome: Pick<Outcome, 'taskId' | 'attempt'>): Promise<void>;
  /** Loads all stored results. Removes those that cannot be read. */
  load(): Promise<Outcome[]>;
}

export const createResults = (workDir: string): Results => {
  const folder = join(workDir, 'results');
  const pathOf = ({ taskId, attempt }: Pick<Outcome, 'taskId' | 'attempt'>) =>
    join(folder, `${taskId}-${attempt}.json`);

  const read = async (name: string): Promise<Outcome[]> => {
    const path = join(folder, name);
    try {
      if (!name.endsWith('.json')) throw new Error('It was not written to its end');
      return [outcome.parse(JSON.parse(await readFile(path, 'utf8')))];
    } catch {
      // Half a file, of an agent that was killed during the write: for the API that task is lost.
      await rm(path, { force: true });
      return [];
    }
  };

  return {
    save: async (given) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = pathOf(given);
      await writeFile(`${path}.new`, JSON.stringify(given), { mode: 0o600 });
      await rename(`${path}.new`, path);
    },
    remove: (given) => rm(pathOf(given), { force: true }),
    load: async () => (await Promise.all((await readdir(folder).catch(() => [])).map(read))).flat(),
  };
};
