/** Limits of tasks that run at once: entering them before a task is placed, leaving them when it has ended. */
import type { ProjectId, TemplateId } from '../../../protocol/index.ts';
import { entryOf, type LimitRef, type LimitState } from '../../adapters/tasks/limits.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { whyLimited as sentence } from '../../core/tasks/reason.ts';
import type { Deps } from '../deps.ts';

type Limited = Pick<TaskRecord, 'id' | 'projectId' | 'priority' | 'limits' | 'limitsLeft'>;

/**
 * The limits of a task, in the order in which it enters them: always the template's first, so that two tasks never hold what
 * the other one waits for.
 */
export const inEntryOrder = (limits: NonNullable<TaskRecord['limits']>): NonNullable<TaskRecord['limits']> =>
  [...limits].sort((a, b) => (a.ownerId > b.ownerId ? -1 : 1));

export const limitRefs = ({ projectId, limits = [] }: Pick<TaskRecord, 'projectId' | 'limits'>): LimitRef[] =>
  limits.map(({ ownerId }) => ({ projectId, ownerId }));

export const hasRoom = ({ max, held }: LimitState): boolean => max === 0 || held.length < max;

/** A burst changes a limit between two looks at it; what is not let in or lined up after so many, the reconciler sees to. */
const maxTries = 5;

/** `limitedBy`: the limit in whose line the task waits. `overfull`: its place is one too many since a limit was lowered. */
export type Entry = 'entered' | 'overfull' | { readonly limitedBy: ProjectId | TemplateId };

const isOverfull = ({ max, held }: LimitState): boolean => max > 0 && held.length > max;

/** Enters all limits of a task, or lines it up at the first that is full. A place that it has counts where no more run than may. */
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

/** The limits that hold for a new task. */
export const limitsFor = (
  template: { readonly id: TemplateId; readonly maxParallelTasks: number },
  project: { readonly id: ProjectId; readonly maxParallelTasks: number },
): Pick<TaskRecord, 'limits'> => {
  const limits = [template, project]
    .filter(({ maxParallelTasks }) => maxParallelTasks > 0)
    .map(({ id, maxParallelTasks }) => ({ ownerId: id, max: maxParallelTasks }));
  return limits.length > 0 ? { limits } : {};
};

/** Why it waits, as its limit has it now. */
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
