/** Keeps the line of a limit correct: entries without a task, tasks without an entry, places left free. */
import { entryOf, type LimitRef, type LimitState, lineOf } from '../../adapters/tasks/limits.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import type { InLine } from '../../core/tasks/order.ts';
import type { Pass } from '../reconcile/repairs.ts';
import { type AssignDeps, assignTask, callNext } from './assign.ts';
import { leaveLine, moveToLine, standingOf } from './limit-line.ts';
import { hasRoom, isAwaited } from './limits.ts';

/** Number of entries of 0.1.0 that one write takes from the limit's item. */
const movedAtOnce = 100;

const idOf = ({ id }: { readonly id: string }): string => id;

/**
 * Repairs the line of a limit. `state` and `tasks`, the live ones under it, are as the pass has read them. A
 * limit without a line costs no request.
 */
export const repairLine = async (
  deps: AssignDeps,
  ref: LimitRef,
  state: LimitState,
  tasks: readonly TaskRecord[],
  pass: Pass,
): Promise<void> => {
  const waiting = tasks.filter(({ status, limitedBy }) => status === 'waiting' && limitedBy === ref.ownerId);
  if (waiting.length === 0 && !isAwaited(state)) return;
  await moveOld(deps, ref, state, pass);
  const places = await deps.lines.all(lineOf(ref));
  await removeOver(deps, ref, places, waiting, pass);
  if (hasRoom(state) && places.length > 0) await callAll(deps, ref, pass);
  // Tasks that a stopped function admitted without an assignment, and those that lost their entries.
  const held = new Set(state.held);
  const inLine = new Set(places.flatMap(({ rank }) => (held.has(rank) ? [] : [rank])));
  const lost = waiting.filter((task) => !inLine.has(entryOf(task)));
  await pass.each(lost, idOf, async (task) => {
    const assigned = await assignTask(deps, task);
    if (held.has(entryOf(task))) await leaveLine(deps, ref, task);
    if (assigned) pass.repaired('task_placed_again', { taskId: task.id });
  });
};

/** Moves the line of 0.1.0, which was in the limit's item. */
const moveOld = async (
  deps: AssignDeps,
  ref: LimitRef,
  { line }: LimitState,
  { repaired, each }: Pass,
): Promise<void> => {
  const parts = Array.from({ length: Math.ceil(line.length / movedAtOnce) }, (_, part) =>
    line.slice(part * movedAtOnce, (part + 1) * movedAtOnce),
  );
  await each(
    parts,
    () => ref.ownerId,
    async (part) => {
      await moveToLine(deps, ref, part);
      repaired('limit_line_moved', { ...ref, tasks: part.length });
    },
  );
};

/** Removes entries that stand for nobody. Those of the waiting tasks of this pass need no look. */
const removeOver = async (
  deps: AssignDeps,
  ref: LimitRef,
  places: readonly InLine[],
  waiting: readonly TaskRecord[],
  { repaired, each }: Pass,
): Promise<void> => {
  const known = new Set(waiting.map(entryOf));
  const doubtful = places.filter(({ rank }) => !known.has(rank));
  const found = new Map((await deps.tasks.getAll(doubtful)).map((task) => [task.id, task]));
  const over = doubtful.filter(({ id, rank }) => standingOf(ref, rank, found.get(id), deps.now()) === 'over');
  await each(over, idOf, async (place) => {
    await deps.lines.leave(lineOf(ref), place);
    repaired('limit_line_left', { ...ref, taskId: place.id });
  });
};

/** Calls the line while there is room and time. */
const callAll = async (deps: AssignDeps, ref: LimitRef, { repaired, each }: Pass): Promise<void> => {
  let hasMore = true;
  const rounds = function* () {
    while (hasMore) yield ref.ownerId;
  };
  await each(rounds(), String, async () => {
    hasMore = false;
    const state = await deps.limits.get(ref);
    if (!state || !hasRoom(state)) return;
    hasMore = await callNext(deps, ref, state);
    repaired('limit_line_called', { ...ref });
  });
};
