/** Keeps limits correct: after a person sets one, and after a function stopped between two writes. */
import { type Instant, msBetween, type Project, type Template } from '../../../protocol/index.ts';
import { entryOf, type LimitRef, type LimitState, madeAt, taskOfEntry } from '../../adapters/tasks/limits.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { UnreadableItem } from '../../adapters/unreadable-item.ts';
import { hasEnded } from '../../core/tasks/task-state.ts';
import type { Pass } from '../reconcile/repairs.ts';
import { type AssignDeps, assignTask, callIfRoom, leaveWaiting } from './assign.ts';
import { makingMs } from './limit-line.ts';
import { inEntryOrder, limitRefs } from './limits.ts';
import { repairLine } from './repair-limit-line.ts';

/**
 * Sets the maximum of a limit. When there was none before, running tasks count in it, and waiting ones must
 * be admitted; when there is room, tasks in line are called.
 */
export const setLimit = async (
  deps: AssignDeps,
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
  // Running tasks first, so that waiting ones find those places taken.
  const waitsLast = concerned.toSorted(
    (a, b) => Number(a.status === 'waiting') - Number(b.status === 'waiting'),
  );
  for (const task of waitsLast) await bringUnder(deps, ref, max, task);
  const state = await deps.limits.get(ref);
  if (state) await sendBack(deps, ref, state);
  // The reconciler goes on: a person waits for this.
  await callIfRoom(deps, ref);
};

/** Maximum tries: a task may start, or be lost, between a read and a write. */
const maxTries = 5;

/** Brings a task under a new limit: a running task counts, a waiting one must be admitted. */
const bringUnder = async (deps: AssignDeps, ref: LimitRef, max: number, found: TaskRecord): Promise<void> => {
  let task: TaskRecord | undefined = found;
  let counted: string | undefined;
  for (let tries = 1; tries <= maxTries && task && !hasEnded(task.status); tries++) {
    const { limits = [] } = task;
    if (limits.some(({ ownerId }) => ownerId === ref.ownerId)) return;
    const more = inEntryOrder([...limits, { ownerId: ref.ownerId, max }]);
    if (task.status === 'waiting') {
      if (counted) await deps.limits.leave(ref, counted);
      if (await enterAnew(deps, task, { limits: more, limitedBy: undefined })) return;
    } else {
      // The limit first: a retry skips a task that is marked as counted.
      counted = entryOf(task);
      await deps.limits.count(ref, counted);
      if (await deps.tasks.countIn(task, more)) return;
    }
    task = await deps.tasks.get(ref.projectId, task.id);
  }
  if (counted) await deps.limits.leave(ref, counted);
};

/** Sends tasks admitted under a higher maximum and not started back into the line, last first. */
const sendBack = async (deps: AssignDeps, ref: LimitRef, { max, held }: LimitState): Promise<number> => {
  const excess = max === 0 ? 0 : held.length - max;
  let sent = 0;
  for (const entry of held.toReversed()) {
    if (sent >= excess) break;
    if (await sendBackOne(deps, ref, entry)) sent += 1;
  }
  return sent;
};

const sendBackOne = async (deps: AssignDeps, ref: LimitRef, entry: string): Promise<boolean> => {
  for (let tries = 1; tries <= maxTries; tries++) {
    const task = await taskAt(deps, ref, entry);
    if (!task || task === 'unreadable' || task.status !== 'waiting' || entryOf(task) !== entry) return false;
    if (await enterAnew(deps, task, { limits: task.limits, limitedBy: ref.ownerId })) return true;
  }
  return false;
};

/** Takes a waiting task out of its limits, and assigns it, which lines it up. False when it has moved on. */
const enterAnew = async (
  deps: AssignDeps,
  task: TaskRecord,
  as: Pick<TaskRecord, 'limits' | 'limitedBy'>,
): Promise<boolean> => {
  const left = await leaveWaiting(deps, task, as);
  if (left) await assignTask(deps, left);
  return left !== undefined;
};

const isIn = (task: TaskRecord, entry: string): boolean => !hasEnded(task.status) && entryOf(task) === entry;

const taskAt = async (
  deps: AssignDeps,
  ref: LimitRef,
  entry: string,
): Promise<TaskRecord | 'unreadable' | undefined> => {
  try {
    return await deps.tasks.get(ref.projectId, taskOfEntry(entry));
  } catch (error) {
    if (error instanceof UnreadableItem) return 'unreadable';
    throw error;
  }
};

/** The index may lag a moment, so the task itself decides. An unreadable one keeps its place: it may run. */
const isStillIn = (task: TaskRecord | 'unreadable' | undefined, entry: string, now: Instant): boolean => {
  if (task === 'unreadable') return true;
  return task ? isIn(task, entry) : msBetween(madeAt(entry), now) < makingMs;
};

/** Returns the limits of live tasks, each once. */
const limitsOf = (live: readonly TaskRecord[]): LimitRef[] => {
  const refs = live.flatMap(limitRefs).map((ref) => [ref.ownerId, ref] as const);
  return [...new Map(refs).values()];
};

interface LimitWork {
  readonly ref: LimitRef;
  readonly state: LimitState | undefined;
  /** Live tasks under this limit. */
  readonly tasks: readonly TaskRecord[];
}

/**
 * Repairs of the limits of live tasks, by one read for a hundred limits: frees places of ended tasks and
 * abandoned entries; calls the tasks in line.
 */
export const limitRepairs = (deps: AssignDeps, live: readonly TaskRecord[]) => {
  const entries = new Map<string, string>(live.map((task) => [task.id, entryOf(task)]));
  return {
    list: async (): Promise<LimitWork[]> => {
      const refs = limitsOf(live);
      const states = await deps.limits.getAll(refs);
      const byOwner = Map.groupBy(
        live.flatMap((task) => limitRefs(task).map(({ ownerId }) => ({ ownerId, task }))),
        ({ ownerId }) => ownerId,
      );
      return refs.map((ref) => ({
        ref,
        state: states.get(ref.ownerId),
        tasks: (byOwner.get(ref.ownerId) ?? []).map(({ task }) => task),
      }));
    },

    repair: (work: LimitWork, pass: Pass) => repairLimit(deps, work, entries, pass),
  };
};

const repairLimit = async (
  deps: AssignDeps,
  { ref, state: listed, tasks }: LimitWork,
  entries: ReadonlyMap<string, string>,
  pass: Pass,
): Promise<void> => {
  const { repaired, each } = pass;
  const state = listed ?? (await deps.limits.get(ref));
  const doubtful = (state?.held ?? []).filter((entry) => entries.get(taskOfEntry(entry)) !== entry);
  const found = await deps.tasks.lookUp(
    doubtful.map((entry) => ({ projectId: ref.projectId, id: taskOfEntry(entry) })),
  );
  const gone = doubtful.filter((entry) => !isStillIn(found.get(taskOfEntry(entry)), entry, deps.now()));
  await each(gone, taskOfEntry, async (entry) => {
    await deps.limits.leave(ref, entry);
    repaired('limit_freed', { ...ref, taskId: taskOfEntry(entry) });
  });
  const now = gone.length > 0 ? await deps.limits.get(ref) : state;
  // A function stopped between lowering the maximum and this step.
  if (now && (await sendBack(deps, ref, now)) > 0) repaired('limit_sent_back', { ...ref });
  if (now) await giveUpUnused(deps, ref, now, tasks, pass);
  if (now) await repairLine(deps, ref, now, tasks, pass);
};

const idOf = ({ id }: TaskRecord): string => id;

/** A lost task keeps its place for its next attempt; others get it while no runner is available. */
const giveUpUnused = async (
  deps: AssignDeps,
  ref: LimitRef,
  state: LimitState,
  live: readonly TaskRecord[],
  { repaired, each }: Pass,
): Promise<void> => {
  const held = new Set(state.held);
  const unused = live.filter(
    (task) => task.status === 'waiting' && !task.admitted && !task.limitedBy && held.has(entryOf(task)),
  );
  await each(unused, idOf, async (task) => {
    if (!(await enterAnew(deps, task, { limits: task.limits, limitedBy: undefined }))) return;
    repaired('limit_freed', { ...ref, taskId: task.id });
  });
};
