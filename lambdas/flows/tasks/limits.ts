/**
 * Limits of concurrent tasks: a task enters them before its assignment, and leaves them at its end.
 *
 * Who finds no room joins the limit's line. The order is exact: from the moment that a task has joined
 * (`noteJoined`), no other enters past the line, and a free place goes to the first of the line, by priority,
 * then by age, as it was read after the place came free. A task that joins between that read and the
 * admission of the first comes after it, whatever its priority. The price is one write more for a task that
 * joins, and for a place that comes free one read of the line, if somebody has joined it.
 *
 * Nobody is forgotten, as both sides write first and read then: a task writes its entry and reads the limit
 * again (`callIfRoom`); who leaves frees the place, and then reads the line (`callNext`).
 */
import type { ProjectId, TemplateId } from '../../../protocol/index.ts';
import {
  entryOf,
  type LimitRef,
  type LimitState,
  lineOf,
  placeOfEntry,
} from '../../adapters/tasks/limits.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { byRank, type InLine } from '../../core/tasks/order.ts';
import { mostAhead, whyLimited as sentence, tasksAhead } from '../../core/tasks/reason.ts';
import type { Deps } from '../deps.ts';

type Limits = NonNullable<TaskRecord['limits']>;
type Owner = Limits[number]['ownerId'];
type Limited = Pick<TaskRecord, 'id' | 'projectId' | 'priority' | 'limits' | 'limitsLeft'>;

/** Limits of a task in order of entry: the template's first, so that no two tasks wait for each other. */
export const inEntryOrder = (limits: Limits): Limits =>
  [...limits].sort((a, b) => (a.ownerId > b.ownerId ? -1 : 1));

export const limitRefs = ({ projectId, limits = [] }: Pick<TaskRecord, 'projectId' | 'limits'>): LimitRef[] =>
  limits.map(({ ownerId }) => ({ projectId, ownerId }));

export const hasRoom = ({ max, held }: LimitState): boolean => max === 0 || held.length < max;

/** True when tasks may be in the line of the limit. */
export const isAwaited = ({ joined, line }: LimitState): boolean => joined !== undefined || line.length > 0;

/** Result of an entry. */
export interface Entry {
  /** Limits of the task that are still set. */
  readonly limits?: TaskRecord['limits'];
  /** Limit in whose line the task waits. */
  readonly limitedBy?: Owner;
  /** A place that it holds exceeds a lowered limit. */
  readonly isOverfull?: true;
}

const isOverfull = ({ max, held }: LimitState): boolean => max > 0 && held.length > max;

/**
 * Enters all limits of a task, or joins the line of the first full one; the caller then stores that, and
 * calls `callIfRoom`. A place that it already holds counts only while the limit is not overfull. A limit that
 * was set to 0 counts nobody, so the task is no longer under it.
 */
export const enterLimits = async (deps: Pick<Deps, 'limits' | 'lines'>, task: Limited): Promise<Entry> => {
  const { projectId } = task;
  const entry = entryOf(task);
  let limits = task.limits;
  for (const { ownerId, max } of task.limits ?? []) {
    const ref = { projectId, ownerId };
    const entered = await deps.limits.enter(ref, entry, max);
    if (entered && isOverfull(entered)) return { limits, isOverfull: true };
    if (entered) continue;
    const place = placeOfEntry(ref, entry);
    await deps.lines.join(lineOf(ref), place);
    const joined = await deps.limits.noteJoined(ref);
    if (joined?.max !== 0) return { limits, limitedBy: ownerId };
    await deps.lines.leave(lineOf(ref), place);
    limits = without(limits, ownerId);
  }
  return { limits };
};

const without = (limits: TaskRecord['limits'], owner: Owner): TaskRecord['limits'] => {
  const left = limits?.filter(({ ownerId }) => ownerId !== owner);
  return left?.length ? left : undefined;
};

/** Limits that apply to a new task. */
export const limitsFor = (
  template: { readonly id: TemplateId; readonly maxParallelTasks: number },
  project: { readonly id: ProjectId; readonly maxParallelTasks: number },
): Pick<TaskRecord, 'limits'> => {
  const limits = [template, project]
    .filter(({ maxParallelTasks }) => maxParallelTasks > 0)
    .map(({ id, maxParallelTasks }) => ({ ownerId: id, max: maxParallelTasks }));
  return limits.length > 0 ? { limits } : {};
};

type Shown = Pick<TaskRecord, 'id' | 'projectId' | 'templateName'>;

/** Explains why a limit keeps a task waiting. `front`: the first `mostAhead + 1` of its line, if known. */
export const whyLimited = (
  task: Shown,
  ownerId: Owner,
  state: LimitState | undefined,
  front: readonly InLine[] = [],
): string => {
  const { held = [], max = 0 } = state ?? {};
  const of = ownerId === task.projectId ? 'project' : 'template';
  return sentence(task, { of, held: held.length, max }, tasksAhead(front, task.id));
};

/** Returns a function that explains why a limit keeps a task waiting, and reads each limit once. */
export const limitReasons = (deps: Pick<Deps, 'limits' | 'lines'>) => {
  const read = async (ref: LimitRef) => {
    const [state, first] = await Promise.all([
      deps.limits.get(ref),
      deps.lines.first(lineOf(ref), undefined, mostAhead + 1),
    ]);
    const before = (state?.line ?? []).map((entry) => placeOfEntry(ref, entry));
    const front = [...before, ...first].sort(byRank);
    return { state, front: front.slice(0, mostAhead + 1) };
  };
  const known = new Map<string, ReturnType<typeof read>>();
  return async (task: Shown, ownerId: Owner): Promise<string> => {
    const found = known.get(ownerId) ?? read({ projectId: task.projectId, ownerId });
    known.set(ownerId, found);
    const { state, front } = await found;
    return whyLimited(task, ownerId, state, front);
  };
};
