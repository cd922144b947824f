/** Keeping limits true: when somebody sets one, and when a function stopped between two writes. */
import { msBetween, type Project, type Template } from '../../protocol/index.ts';
import { entryOf, type LimitRef, type LimitState, madeAt, taskOfEntry } from '../adapters/limits.ts';
import type { TaskRecord } from '../adapters/tasks.ts';
import { UnreadableItem } from '../adapters/unreadable-item.ts';
import { hasEnded, isHeldStatus } from '../core/task-state.ts';
import { hasRoom, inEntryOrder, limitRefs } from './limits.ts';
import { callNext, leaveLimits, type PlaceDeps, place } from './place.ts';

/**
 * Makes a limit so many from now on. When there was none before, what runs counts in it, and what waits has to be let in;
 * when there is room, those in line are called.
 */
export const setLimit = async (
  deps: PlaceDeps,
  owner: Pick<Template, 'id' | 'projectId' | 'maxParallelTasks'> | Project,
): Promise<void> => {
  const { id: ownerId, maxParallelTasks: max } = owner;
  const projectId = 'projectId' in owner ? owner.projectId : owner.id;
  const ref: LimitRef = { projectId, ownerId };
  await deps.limits.set(ref, max);
  const live = max === 0 ? [] : await deps.tasks.listLiveOf(projectId);
  const concerned = live.filter(
    ({ templateId, limits = [] }) =>
      (ownerId === projectId || templateId === ownerId) && !limits.some((limit) => limit.ownerId === ownerId),
  );
  const withLimit = (task: TaskRecord) => ({
    ...task,
    limits: inEntryOrder([...(task.limits ?? []), { ownerId, max }]),
  });
  for (const task of concerned.filter(({ status }) => isHeldStatus(status))) {
    // The limit first: a task that says it is counted is not looked at when this is tried again.
    await deps.limits.count(ref, entryOf(task));
    if (await deps.tasks.countIn(task, withLimit(task).limits)) continue;
    const now = await deps.tasks.get(projectId, task.id);
    if (now && isHeldStatus(now.status)) await deps.tasks.countIn(now, withLimit(now).limits);
    else await deps.limits.leave(ref, entryOf(task));
  }
  for (const task of concerned.filter(({ status }) => status === 'waiting')) {
    await enterAnew(deps, task, { limits: withLimit(task).limits, limitedBy: undefined });
  }
  const state = await deps.limits.get(ref);
  if (state) await sendBack(deps, ref, state);
  const now = await deps.limits.get(ref);
  if (now) await callNext(deps, ref, now);
};

/** Those that were let in under a higher limit and have not started go back into the line, the last one first. */
const sendBack = async (deps: PlaceDeps, ref: LimitRef, { max, held }: LimitState): Promise<void> => {
  let excess = max === 0 ? 0 : held.length - max;
  for (const entry of held.toReversed()) {
    if (excess <= 0) return;
    const task = await deps.tasks.get(ref.projectId, taskOfEntry(entry));
    if (task?.status !== 'waiting' || entryOf(task) !== entry) continue;
    const { limits } = task;
    if (await enterAnew(deps, task, { limits, limitedBy: ref.ownerId })) excess -= 1;
  }
};

/** Takes a waiting task out of what it has entered, and places it, which lines it up again. False when it has moved on. */
const enterAnew = async (
  deps: PlaceDeps,
  task: TaskRecord,
  as: Pick<TaskRecord, 'limits' | 'limitedBy'>,
): Promise<boolean> => {
  // First the task, as from then on nobody can claim it.
  const back = await deps.tasks.limit(task, { ...as, admitted: false }, { leaves: true });
  if (!back) return false;
  const owing = task.runnerId && (await deps.runners.find(task.projectId, task.runnerId));
  if (owing) await deps.runners.dropDemand(owing, task.id);
  await leaveLimits(deps, task);
  await place(deps, back);
  return true;
};

/** A function may take so long from letting a task in to making it. */
const makingMs = 60_000;

const isIn = (task: TaskRecord, entry: string): boolean => !hasEnded(task.status) && entryOf(task) === entry;

/** The index may be a moment late, so the task itself decides. One that cannot be read keeps its place: it may run. */
const isStillIn = async (deps: PlaceDeps, ref: LimitRef, entry: string): Promise<boolean> => {
  try {
    const task = await deps.tasks.get(ref.projectId, taskOfEntry(entry));
    return task ? isIn(task, entry) : msBetween(madeAt(entry), deps.now()) < makingMs;
  } catch (error) {
    if (error instanceof UnreadableItem) return true;
    throw error;
  }
};

/** Frees what is taken of a limit of live tasks by ended ones, and by entries that were left; calls those in line. */
export const repairLimit = async (
  deps: PlaceDeps,
  ref: LimitRef,
  live: readonly TaskRecord[],
  repaired: (kind: string, about: Record<string, unknown>) => void,
): Promise<void> => {
  const entries = new Map<string, string>(live.map((task) => [task.id, entryOf(task)]));
  const state = await deps.limits.get(ref);
  for (const entry of [...(state?.held ?? []), ...(state?.line ?? [])]) {
    const id = taskOfEntry(entry);
    if (entries.get(id) === entry || (await isStillIn(deps, ref, entry))) continue;
    await deps.limits.leave(ref, entry);
    repaired('limit_freed', { ...ref, taskId: id });
  }
  const now = await deps.limits.get(ref);
  if (now && hasRoom(now) && now.line.length > 0) {
    await callNext(deps, ref, now);
    repaired('limit_line_called', { ...ref });
  }
  for (const task of live) {
    const isLost =
      task.status === 'waiting' && task.limitedBy === ref.ownerId && !now?.line.includes(entryOf(task));
    if (isLost && (await place(deps, task))) repaired('task_placed_again', { taskId: task.id });
  }
};

/** The limits that live tasks have, each once. */
export const limitsOf = (live: readonly TaskRecord[]): LimitRef[] => {
  const refs = live.flatMap(limitRefs).map((ref) => [ref.ownerId, ref] as const);
  return [...new Map(refs).values()];
};
