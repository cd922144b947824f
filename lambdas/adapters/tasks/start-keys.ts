/** Keys of starts: a client that repeats a start with the same key gets the same task. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { type Clock, epochMs, type ProjectId, type TaskId, taskId } from '../../../protocol/index.ts';
import type { NewId } from '../ids.ts';
import { recordsOf } from '../records.ts';
import { keys, type Table } from '../table.ts';

const rememberSeconds = 24 * 3600;

export type StartKeys = ReturnType<typeof startKeys>;

export const startKeys = (table: Table, { now, newId }: { now: Clock; newId: NewId }) => {
  const records = recordsOf(table, z.object({ taskId }));
  return {
    /** Returns the id of the task that this person's key stands for: a new one the first time. */
    taskIdFor: async (projectId: ProjectId, personId: string, key: string): Promise<TaskId> => {
      const hash = createHash('sha256').update(`${personId}/${key}`).digest('base64url');
      const at = keys.startKey(projectId, hash);
      const expiresAt = Math.ceil(epochMs(now()) / 1000) + rememberSeconds;
      const made = { ...at, taskId: taskId.parse(newId('tsk')), expiresAt };
      if (await records.put(made, [['missing', 'pk']])) return made.taskId;
      return records.readIf(await table.get(at))?.taskId ?? made.taskId;
    },
  };
};
