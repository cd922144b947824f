/** Order: which of the tasks that wait in a queue is next, and whose turn it is in the global pool. */
import type { ProjectId, Task, TaskId } from '../../../protocol/index.ts';

type Ordered = Pick<Task, 'id' | 'priority'>;

/** Sorts as text: the higher priority first, then in order of arrival, as the id of a task begins with its time. */
export const rankOf = ({ id, priority = 0 }: Ordered): string => `${500 - priority}/${id}`;

export const inOrder = (a: Ordered, b: Ordered): number => (rankOf(a) < rankOf(b) ? -1 : 1);

/** A task of a queue, as far as its line tells. */
export interface InLine {
  readonly projectId: ProjectId;
  readonly id: TaskId;
  readonly rank: string;
}

const byRank = (a: InLine, b: InLine): number => (a.rank < b.rank ? -1 : 1);

/**
 * The line of the global pool, next first. A project's turn comes the sooner the fewer tasks it has running in the pool, those
 * before it in this very line counted; then the longer ago it was served; then by its task's rank.
 *
 * @param held how many tasks each project has running in the pool
 * @param served the projects that were served before, the last one last
 */
export const inTurn = (
  line: readonly InLine[],
  held: ReadonlyMap<ProjectId, number>,
  served: readonly ProjectId[],
): InLine[] => {
  const ahead = new Map(held);
  const turns = [...line].sort(byRank).map((task) => {
    const before = ahead.get(task.projectId) ?? 0;
    ahead.set(task.projectId, before + 1);
    return { task, before, servedAt: served.lastIndexOf(task.projectId) };
  });
  return turns
    .sort((a, b) => a.before - b.before || a.servedAt - b.servedAt || byRank(a.task, b.task))
    .map(({ task }) => task);
};

/** So many are remembered; a project that was served before them counts as never served. */
const rememberedTurns = 20;

/** `served` after one more turn. */
export const afterTurn = (served: readonly ProjectId[], projectId: ProjectId): ProjectId[] =>
  [...served.filter((id) => id !== projectId), projectId].slice(-rememberedTurns);
