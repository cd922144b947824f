/** Starts and stops tasks at a person's request. */
import {
  applyLaunchOptions,
  type LaunchFault,
  type LaunchOption,
  type LaunchValues,
  type Project,
  type Task,
  type TaskInput,
  type Template,
} from '../../../protocol/index.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { inLineOf } from '../../core/tasks/order.ts';
import { whyWaiting } from '../../core/tasks/reason.ts';
import { resolveTag } from '../../core/tasks/routing.ts';
import { checkSurvey } from '../../core/tasks/survey.ts';
import { hasEnded } from '../../core/tasks/task-state.ts';
import type { Deps } from '../deps.ts';
import { requestHeartbeat } from '../runners/request-heartbeat.ts';
import {
  type AssignDeps,
  assignTask,
  callIfRoom,
  chooseAssignment,
  isServed,
  leaveLimits,
  leavePlace,
} from './assign.ts';
import { type Entry, enterLimits, limitsFor, whyLimited } from './limits.ts';
import { assignFromLines } from './line.ts';

/** An input does not fit the template: each fault names its field. */
export class InputRefused extends Error {
  override readonly name = 'InputRefused';
  readonly faults: readonly LaunchFault[];

  constructor(faults: readonly LaunchFault[]) {
    super('What was given does not fit the template');
    this.faults = faults;
  }
}

/** Person or trigger that starts a task. */
export interface Starter {
  readonly name: string;
  /** Ids of the people behind the start: the person, or the last editor of the schedule or integration. */
  readonly people: readonly string[];
  /** Launch options do not apply: saving the schedule or integration required rights on the template. */
  readonly isSaved?: boolean;
}

export interface StartInput extends Omit<TaskInput, 'templateId'> {
  /** Names of the answers that a schedule or an integration has saved as secret. */
  readonly secretNames?: readonly string[];
}

/** Values of a start beside the template and its survey. */
const launchValuesOf = ({
  survey: _survey,
  secretNames: _secretNames,
  message: _message,
  ...values
}: StartInput): LaunchValues => values;

/** Returns the values that a template accepts; throws InputRefused. Only here launch options are enforced. */
export const takenOf = (template: Template, input: StartInput, isSaved = false) => {
  const result = checkSurvey(template.survey ?? [], input.survey ?? {}, input.secretNames);
  const applied = applyLaunchOptions(template, launchValuesOf(input), { mayGoBeyond: isSaved });
  const faults = [...(result.ok ? [] : result.faults), ...(applied.ok ? [] : applied.faults)];
  if (!result.ok || !applied.ok) throw new InputRefused(faults);
  const anyOf = <T extends object>(answers: T) => (Object.keys(answers).length > 0 ? answers : undefined);
  return {
    answers: { survey: anyOf(result.answers), surveySecrets: anyOf(result.secrets) },
    changed: applied.changed,
  };
};

/** Parts of the input that the task stores, so that a later change of the template does not affect it. */
const givenParts = (input: StartInput, changed: readonly LaunchOption[]) => {
  const { ansible, terraform, repository, arguments: own, timeoutMs } = input;
  return {
    ansible,
    terraform,
    repository,
    arguments: own,
    timeoutMs,
    changed: changed.length > 0 ? [...changed] : undefined,
  };
};

/**
 * People who must not confirm the task. Without a person at the start this includes the last editor of the
 * template. The claim adds the editors of the parts that it hands out.
 */
const confirmation = ({ confirmedBy, editedBy }: Template, { people, isSaved }: Starter) => {
  if (confirmedBy === 'anyone') return {};
  const editors = isSaved && editedBy !== undefined ? [editedBy] : [];
  return {
    confirmedBy,
    notConfirmedBy: [...new Set([...people, ...editors])],
    isUnattended: isSaved || undefined,
  };
};

/**
 * Makes a task of a template, has it assigned, and returns why it waits. With the `id` of an existing task it
 * makes nothing. Undefined when the project has no such template; throws InputRefused.
 */
export const startTask = async (
  deps: AssignDeps & Pick<Deps, 'newId' | 'readForTask' | 'readInventory'>,
  projectId: Project['id'],
  input: StartInput & Pick<TaskInput, 'templateId'>,
  by: Starter,
  id = deps.newId('tsk'),
): Promise<TaskRecord | undefined> => {
  // Before any read: a save from then on is not what was started.
  const now = deps.now();
  const [found, ownRunners] = await Promise.all([
    deps.readForTask(projectId, input.templateId),
    deps.runners.list(projectId),
  ]);
  if (!found) return undefined;
  const { template, project } = found;
  const { answers, changed } = takenOf(template, input, by.isSaved);
  const priority = input.priority ?? template.priority;
  const { repositoryId, onRunnerLost, maxAttempts, app } = template;
  const { inventoryId = template.inventoryId, environmentId = template.environmentId } = input;
  const inventory =
    inventoryId && template.tag === undefined ? await deps.readInventory(projectId, inventoryId) : undefined;
  if (input.inventoryId !== undefined && template.tag === undefined && !inventory) {
    throw new InputRefused([{ path: 'inventoryId', message: 'is not in this project' }]);
  }
  const tag = resolveTag(template, inventory);
  const routed = { projectId, tag };
  const assignment = await chooseAssignment(deps, routed, ownRunners);
  const named = {
    projectId,
    id,
    priority: priority || undefined,
    ...limitsFor(template, project),
  };
  const enters = named.limits !== undefined && isServed(assignment);
  const { limits, limitedBy, isOverfull }: Entry = enters ? await enterLimits(deps, named) : named;
  const isEntered = limitedBy === undefined && !isOverfull;
  const chosen = isEntered ? assignment.runner : undefined;
  const task: TaskRecord = {
    ...routed,
    ...named,
    templateId: template.id,
    templateName: template.name,
    app,
    status: 'waiting',
    attempt: 1,
    queue: assignment.queue,
    onRunnerLost,
    maxAttempts,
    createdAt: now,
    createdBy: by.name,
    ...(chosen && { runnerId: chosen.id, assignedAt: now }),
    ...(enters && isEntered && { admitted: true }),
    limits,
    limitedBy,
    ...answers,
    message: input.message,
    ...givenParts(input, changed),
    ...confirmation(template, by),
    inventoryId,
    environmentId,
    repositoryId,
  };
  // The line first, so that a crash leaves no task that nobody looks for.
  const isInLine = chosen === undefined && limitedBy === undefined;
  if (isInLine) await deps.lines.join(task.queue, inLineOf(task));
  // The same id again: it was started before. The reconciler completes unfinished steps.
  if (!(await deps.tasks.create(task))) {
    const before = await deps.tasks.get(projectId, id);
    if (before && hasEnded(before.status)) {
      if (isInLine) await deps.lines.leave(task.queue, inLineOf(task));
      await leaveLimits(deps, { ...named, limitedBy });
    }
    return before;
  }
  if (limitedBy) {
    const limit = await callIfRoom(deps, { projectId, ownerId: limitedBy });
    return { ...task, reason: whyLimited(task, limitedBy, limit) };
  }
  const assigned = await assignTask(deps, task, isInLine ? { isInLine } : { first: assignment });
  const assignee = typeof assigned === 'object' ? assigned : undefined;
  const runners = assignment.runners.map((runner) => (runner.id === assignee?.id ? assignee : runner));
  return { ...task, reason: whyWaiting(task, runners, deps.now()) };
};

/** Ends a waiting task, or asks its runner to end it. Undefined when it has already ended. */
export const stopTask = async (deps: AssignDeps, task: TaskRecord, by: string): Promise<Task | undefined> => {
  const reason = `Stopped by ${by}.`;
  const stopped = await deps.tasks.stopWaiting(task, reason, deps.now());
  if (stopped) {
    await leavePlace(deps, stopped);
    await leaveLimits(deps, stopped);
    if (stopped.runnerId !== undefined) await assignFromLines(deps, [stopped.queue]);
    return stopped;
  }
  const now = (await deps.tasks.requestStop(task, reason)) ?? (await deps.tasks.get(task.projectId, task.id));
  if (!now || hasEnded(now.status)) return undefined;
  const holder = now.runnerId && (await deps.runners.find(now.projectId, now.runnerId));
  if (holder) await requestHeartbeat(deps, holder);
  return now;
};
