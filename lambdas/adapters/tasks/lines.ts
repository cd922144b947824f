/**
 * Lines of the queues: the waiting tasks that are assigned to no runner and wait behind no limit. Lines of
 * the limits: the tasks that wait for a place in one. One item per task, read consistently, so that of a task
 * that joins a line and who frees a place, or a runner about to sleep, one always sees the other. The line of
 * the global queue has a part for each project, and an item that names the project: their turns need no look
 * at all waiting tasks.
 */
import * as z from 'zod';
import { type ProjectId, projectId, taskId } from '../../../protocol/index.ts';
import type { InLine } from '../../core/tasks/order.ts';
import { globalQueue } from '../../core/tasks/routing.ts';
import { recordsOf } from '../records.ts';
import { keys, queryAll, type Table } from '../table.ts';

const entry = z
  .object({ sk: z.string(), projectId, id: taskId })
  .transform(({ sk, ...rest }): InLine => ({ ...rest, rank: sk }));

/** Project with a part of the global line. `joined` grows with each task that joins it. */
const part = z.object({ sk: projectId, joined: z.int() });

/** Maximum projects whose turns are compared. */
const mostProjects = 200;

export type LinePart = z.infer<typeof part>;

export type LineStore = ReturnType<typeof lineStore>;

export const lineStore = (table: Table) => {
  const entries = recordsOf(table, entry);
  const keyOf = (queue: string, { projectId, rank }: InLine) =>
    keys.inLine(queue, queue === globalQueue ? projectId : undefined, rank);
  const parts = recordsOf(table, part);

  const first = async (queue: string, project: ProjectId | undefined, atMost: number): Promise<InLine[]> => {
    const { pk } = keys.inLine(queue, project, '');
    return entries.readAll((await table.query({ pk, limit: atMost })).items);
  };

  const projects = async (): Promise<LinePart[]> =>
    parts.readAll((await table.query({ pk: keys.globalLine().pk, limit: mostProjects })).items);

  return {
    /** Adds a task. Safe to repeat. */
    join: async (queue: string, task: InLine): Promise<void> => {
      const { projectId, id } = task;
      await table.put({ ...keyOf(queue, task), projectId, id });
      if (queue === globalQueue) await table.update(keys.globalLine(projectId), { add: { joined: 1 } }, []);
    },

    /** Removes a task. Safe to repeat. */
    leave: async (queue: string, task: InLine): Promise<void> => {
      await table.remove(keyOf(queue, task));
    },

    /** Returns the first tasks of a queue, next first; for the global queue those of one project. */
    first,

    /** Returns all tasks in the line; those of a project in their order. */
    all: async (queue: string): Promise<InLine[]> => {
      const owners = queue === globalQueue ? (await projects()).map(({ sk }) => sk) : [undefined];
      const lines = await Promise.all(
        owners.map((project) => queryAll(table, { pk: keys.inLine(queue, project, '').pk })),
      );
      return entries.readAll(lines.flat());
    },

    /** Returns true when a task may be in the line. */
    isAwaited: async (queue: string): Promise<boolean> => {
      const { pk } = queue === globalQueue ? keys.globalLine() : keys.inLine(queue, undefined, '');
      return (await table.query({ pk, limit: 1 })).items.length > 0;
    },

    /** Lists the projects with tasks in the global line. */
    projects,

    /** Forgets a project whose part was empty when it was read, unless a task has joined since. */
    forget: ({ sk, joined }: LinePart) => table.remove(keys.globalLine(sk), [['=', 'joined', joined]]),
  };
};
