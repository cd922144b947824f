/** Free places during one pass of the reconciler: reads each route once, and again after an assignment. */
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { room } from '../../core/runners/slots.ts';
import { canServe } from '../../core/tasks/select-runner.ts';
import { type AssignDeps, routeTask } from '../tasks/assign.ts';

interface Route {
  readonly queue: string;
  readonly runners: readonly RunnerRecord[];
}

export type Rooms = ReturnType<typeof roomLookup>;

export const roomLookup = (deps: Pick<AssignDeps, 'runners' | 'lines'>) => {
  /** The first one of several tasks at a time reads. */
  const routes = new Map<string, Promise<Route>>();
  const lines = new Map<string, Promise<ReadonlySet<string>>>();

  const routeOf = (task: TaskRecord): Promise<Route> => {
    const key = `${task.projectId} ${task.tag ?? ''}`;
    const route = routes.get(key) ?? routeTask(deps, task);
    routes.set(key, route);
    return route;
  };
  const idsIn = async (queue: string) => new Set<string>((await deps.lines.all(queue)).map(({ id }) => id));
  const isInLine = async (task: TaskRecord): Promise<boolean> => {
    if (task.runnerId !== undefined) return false;
    const line = lines.get(task.queue) ?? idsIn(task.queue);
    lines.set(task.queue, line);
    return (await line).has(task.id);
  };
  /** True when another runner than the assigned one has a free place for the task now, or can be woken. */
  const isElsewhere = async (task: TaskRecord): Promise<boolean> =>
    (await routeOf(task)).runners.some(
      (runner) => runner.id !== task.runnerId && canServe(runner) && !runner.fault && room(runner) > 0,
    );

  return {
    isElsewhere,
    /** True when the task waits in the right line, and no runner has a place for it. */
    waitsRightly: async (task: TaskRecord): Promise<boolean> =>
      (await isInLine(task)) && (await routeOf(task)).queue === task.queue && !(await isElsewhere(task)),
    forget: () => routes.clear(),
  };
};
