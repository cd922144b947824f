/** Lines of the limits: who stands first, and which entries stand for nobody. */
import { type Instant, msBetween } from '../../../protocol/index.ts';
import {
  entryOf,
  type LimitRef,
  type LimitState,
  lineOf,
  madeAt,
  placeOfEntry,
} from '../../adapters/tasks/limits.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import type { InLine } from '../../core/tasks/order.ts';
import type { Deps } from '../deps.ts';

type LimitLineDeps = Pick<Deps, 'limits' | 'lines' | 'tasks' | 'now'>;

/** Maximum time of a function from a task's entry in a line to the task. */
export const makingMs = 60_000;

/**
 * `waits`: it can be called. `coming`: its start is under way, and looks at the limit itself. `over`: nobody
 * waits there; a lost call may have left the entry.
 */
type Standing = 'waits' | 'coming' | 'over';

/** Tells what an entry in the line of a limit stands for. `task`: undefined when there is none. */
export const standingOf = (
  { ownerId }: LimitRef,
  entry: string,
  task: TaskRecord | undefined,
  now: Instant,
): Standing => {
  if (!task) return msBetween(madeAt(entry), now) < makingMs ? 'coming' : 'over';
  const order = (task.limits ?? []).map((limit) => limit.ownerId);
  const isIn =
    task.status === 'waiting' && !task.admitted && entryOf(task) === entry && order.includes(ownerId);
  // A task that waits for an earlier limit may just be joining this one; it has passed those before its own.
  const hasPassed = task.limitedBy !== undefined && order.indexOf(task.limitedBy) > order.indexOf(ownerId);
  return isIn && !hasPassed ? 'waits' : 'over';
};

/** Removes the entry of a task from the line of a limit. */
export const leaveLine = (
  deps: Pick<Deps, 'lines'>,
  ref: LimitRef,
  task: Parameters<typeof entryOf>[0],
): Promise<void> => deps.lines.leave(lineOf(ref), placeOfEntry(ref, entryOf(task)));

/** Moves entries of 0.1.0, which kept the line in the limit's item, into the line. */
export const moveToLine = async (
  deps: Pick<Deps, 'limits' | 'lines'>,
  ref: LimitRef,
  old: readonly string[],
): Promise<LimitState | undefined> => {
  for (const entry of old) await deps.lines.join(lineOf(ref), placeOfEntry(ref, entry));
  return deps.limits.forgetMoved(ref, old);
};

/** Maximum entries that one look reads, and looks of one call. */
const lookedAt = 10;
const mostLooks = 10;

/**
 * Returns the first task in the line of a limit, and removes the entries before it that stand for nobody.
 * Undefined when none can be called now. `state`: the limit, as read before.
 */
export const firstInLine = async (
  deps: LimitLineDeps,
  ref: LimitRef,
  state: LimitState,
): Promise<TaskRecord | undefined> => {
  // The first ones are enough: the others come after them.
  const moved = state.line.length > 0 ? await moveToLine(deps, ref, state.line.slice(0, lookedAt)) : state;
  for (let looks = 0; looks < mostLooks; looks++) {
    const places = await deps.lines.first(lineOf(ref), undefined, lookedAt);
    if (places.length === 0 && moved?.joined !== undefined) await deps.limits.closeLine(ref, moved.joined);
    const found = await firstOf(deps, ref, places);
    if (found.task || found.removed < lookedAt) return found.task;
  }
  return undefined;
};

const firstOf = async (deps: LimitLineDeps, ref: LimitRef, places: readonly InLine[]) => {
  let removed = 0;
  // One by one: the first entry nearly always waits.
  for (const place of places) {
    const [task] = await deps.tasks.getAll([place]);
    const standing = standingOf(ref, place.rank, task, deps.now());
    if (standing === 'waits') return { task, removed };
    if (standing === 'coming') continue;
    await deps.lines.leave(lineOf(ref), place);
    removed += 1;
  }
  return { task: undefined, removed };
};
