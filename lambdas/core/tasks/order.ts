/** Order of waiting tasks in a queue, and turns of projects in the global pool. */
import type { ProjectId, Task, TaskId } from '../../../protocol/index.ts';

type Ordered = Pick<Task, 'id' | 'priority'>;

/**
 * Rank that sorts as text: the higher priority first, then in order of arrival, as a task's id begins with
 * its time.
 */
export const rankOf = ({ id, priority = 0 }: Ordered): string => `${500 - priority}/${id}`;

export const inOrder = (a: Ordered, b: Ordered): number => (rankOf(a) < rankOf(b) ? -1 : 1);

/** Task in a queue's line. */
export interface InLine {
  readonly projectId: ProjectId;
  readonly id: TaskId;
  readonly rank: string;
}

/** Returns the task's place in the line of its queue. */
export const inLineOf = (task: Ordered & Pick<Task, 'projectId'>): InLine => ({
  projectId: task.projectId,
  id: task.id,
  rank: rankOf(task),
});

export const byRank = (a: InLine, b: InLine): number => (a.rank < b.rank ? -1 : 1);

/**
 * Sorts the line of the global pool, next first. The project with the fewest running tasks in the pool goes
 * first, counting those before it in this line. Ties go to the project served longest ago, then to the task's
 * rank.
 *
 * @param held number of running tasks in the pool, by project
 * @param served projects that were served before, the last one last
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

/** Maximum of remembered turns; a project that was served earlier counts as never served. */
const rememberedTurns = 20;

/** Returns `served` after one more turn. */
export const afterTurn = (served: readonly ProjectId[], projectId: ProjectId): ProjectId[] =>
  [...served.filter((id) => id !== projectId), projectId].slice(-rememberedTurns);
