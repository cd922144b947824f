/** Limits of concurrent tasks: a task enters them before its assignment, and leaves them at its end. */
import type { ProjectId, TemplateId } from '../../../protocol/index.ts';
import { entryOf, type LimitRef, type LimitState } from '../../adapters/tasks/limits.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { whyLimited as sentence } from '../../core/tasks/reason.ts';
import type { Deps } from '../deps.ts';

type Limited = Pick<TaskRecord, 'id' | 'projectId' | 'priority' | 'limits' | 'limitsLeft'>;

/** Limits of a task in order of entry: the template's first, so that no two tasks wait for each other. */
export const inEntryOrder = (limits: NonNullable<TaskRecord['limits']>): NonNullable<TaskRecord['limits']> =>
  [...limits].sort((a, b) => (a.ownerId > b.ownerId ? -1 : 1));

export const limitRefs = ({ projectId, limits = [] }: Pick<TaskRecord, 'projectId' | 'limits'>): LimitRef[] =>
  limits.map(({ ownerId }) => ({ projectId, ownerId }));

export const hasRoom = ({ max, held }: LimitState): boolean => max === 0 || held.length < max;

/** Maximum tries: a burst changes a limit between two reads. The reconciler handles the tasks left over. */
const maxTries = 5;

/** `limitedBy`: the limit in whose line the task waits. `overfull`: its place exceeds a lowered limit. */
export type Entry = 'entered' | 'overfull' | { readonly limitedBy: ProjectId | TemplateId };

const isOverfull = ({ max, held }: LimitState): boolean => max > 0 && held.length > max;

/**
 * Enters all limits of a task, or lines it up at the first full one. A place that it already holds counts
 * only while the limit is not overfull.
 */
export const enterLimits = async (deps: Pick<Deps, 'limits'>, task: Limited): Promise<Entry> => {
  const { projectId, limits = [] } = task;
  const entry = entryOf(task);
  for (const { ownerId, max } of limits) {
    const ref = { projectId, ownerId };
    let isIn = false;
    for (let tries = 1; tries <= maxTries && !isIn; tries++) {
      const state = await deps.limits.enter(ref, entry, max);
      if (state && isOverfull(state)) return 'overfull';
      isIn = state !== undefined;
      if (!isIn && (await deps.limits.queue(ref, entry))) break;
    }
    if (!isIn) return { limitedBy: ownerId };
  }
  return 'entered';
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

/** Reason why it waits, as its limit is now. */
export const whyLimited = async (
  deps: Pick<Deps, 'limits'>,
  task: Limited & Pick<TaskRecord, 'templateName'>,
  ownerId: ProjectId | TemplateId,
): Promise<string> => {
  const {
    held = [],
    line = [],
    max = 0,
  } = (await deps.limits.get({ projectId: task.projectId, ownerId })) ?? {};
  const of = ownerId === task.projectId ? 'project' : 'template';
  return sentence(task, { of, held: held.length, max, place: line.indexOf(entryOf(task)) + 1 });
};
