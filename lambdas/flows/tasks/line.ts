/** Lines of the queues: who looks at them gives the tasks in them to runners that have places. */
import { msBetween, type ProjectId } from '../../../protocol/index.ts';
import { madeAt } from '../../adapters/tasks/limits.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { type InLine, inTurn } from '../../core/tasks/order.ts';
import { globalQueue, projectQueue } from '../../core/tasks/routing.ts';
import type { Deps } from '../deps.ts';
import { type AssignDeps, assignTask, routeTask } from './assign.ts';
import { makingMs } from './limit-line.ts';

type LineDeps = Pick<Deps, 'lines' | 'tasks' | 'now'>;

/** Maximum tasks of a line that one call looks at. */
const lookedAt = 10;
/** Maximum projects of the global line that one call looks at, and tasks of each. */
const projectsLookedAt = 5;
const ofEachProject = 3;

/**
 * Reads the first tasks of the global line: those of the projects with the fewest running tasks, and among
 * them of those served longest ago. `held`: running tasks in the pool by project.
 */
export const poolLine = async (deps: Pick<Deps, 'lines' | 'tasks'>, served: readonly ProjectId[] = []) => {
  const [projects, held] = await Promise.all([deps.lines.projects(), deps.tasks.heldIn(globalQueue)]);
  const heldOf = (project: ProjectId) => held.get(project) ?? 0;
  const next = projects
    .toSorted((a, b) => heldOf(a.sk) - heldOf(b.sk) || served.lastIndexOf(a.sk) - served.lastIndexOf(b.sk))
    .slice(0, projectsLookedAt);
  const parts = await Promise.all(
    next.map(async (project) => {
      const part = await deps.lines.first(globalQueue, project.sk, ofEachProject);
      if (part.length === 0) await deps.lines.forget(project);
      return part;
    }),
  );
  return { line: inTurn(parts.flat(), held, served), held };
};

const firstIn = async (deps: LineDeps, queue: string, atMost: number): Promise<readonly InLine[]> =>
  queue === globalQueue
    ? (await poolLine(deps)).line.slice(0, atMost)
    : deps.lines.first(queue, undefined, atMost);

interface Front {
  /** Tasks that wait for a runner, next first. */
  readonly waiting: readonly TaskRecord[];
  /** The line has no further entry. */
  readonly isAll: boolean;
}

/**
 * Reads the front of a queue's line. Entries of tasks that wait no longer are removed. A task that is just
 * being moved is left to the call that moves it.
 */
const frontOf = async (deps: LineDeps, queue: string, atMost: number): Promise<Front> => {
  const line = await firstIn(deps, queue, atMost);
  if (line.length === 0) return { waiting: [], isAll: true };
  const tasks = new Map((await deps.tasks.getAll(line)).map((task) => [task.id, task]));
  const waiting: TaskRecord[] = [];
  for (const place of line) {
    const task = tasks.get(place.id);
    const isOver = task ? task.status !== 'waiting' : msBetween(madeAt(place.rank), deps.now()) > makingMs;
    if (isOver) await deps.lines.leave(queue, place);
    else if (task?.queue === queue && task.runnerId === undefined) waiting.push(task);
  }
  return { waiting, isAll: line.length < atMost };
};

/** Maximum tasks of one queue that one call assigns, and its looks at the line; the reconciler goes on. */
const mostAssignedAtOnce = 100;
const mostLooks = 10;

/**
 * Assigns the first tasks in these lines to runners with free places. Called by who frees a place or makes a
 * runner able to take tasks, after its own write. `places`: how many are free, as far as the caller knows.
 */
export const assignFromLines = async (
  deps: AssignDeps,
  queues: readonly string[],
  places = mostAssignedAtOnce,
): Promise<void> => {
  for (const queue of queues) {
    let left = places;
    // Entries that were only removed, or that another call is moving, make no use of a place. Each look
    // reaches further, past those that are still being moved.
    for (let looks = 0; left > 0 && looks < mostLooks; looks++) {
      const { waiting, isAll } = await frontOf(deps, queue, Math.min(left + looks, lookedAt));
      const assigned = await assignAll(deps, waiting.slice(0, left));
      if (assigned === undefined || isAll) break;
      left -= assigned;
    }
  }
};

/** Returns how many it has assigned; undefined when there is no free place for one of them. */
const assignAll = async (deps: AssignDeps, waiting: readonly TaskRecord[]): Promise<number | undefined> => {
  let count = 0;
  for (const task of waiting) {
    const assigned = await assignTask(deps, task, { isInLine: true });
    if (assigned === 'in_line') return undefined;
    if (assigned) count += 1;
  }
  return count;
};

/** Maximum tasks that one call moves to another line; the reconciler goes on. */
const mostMoved = 200;

/**
 * Moves the untagged tasks of a project that wait in the wrong line, after its own untagged runners came or
 * went: to their queue from the global one, or back.
 */
export const rerouteUntagged = async (deps: AssignDeps, projectId: ProjectId): Promise<void> => {
  const { queue } = await routeTask(deps, { projectId });
  const wrong =
    queue === globalQueue
      ? await deps.lines.first(projectQueue(projectId), undefined, mostMoved)
      : await deps.lines.first(globalQueue, projectId, mostMoved);
  for (const task of await deps.tasks.getAll(wrong)) {
    if (task.status === 'waiting') await assignTask(deps, task);
  }
};
