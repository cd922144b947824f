/** Claims: an agent that received a doorbell requests a task. */
import {
  addMs,
  type ClaimRequest,
  type ClaimResponse,
  type Instant,
  isTerraform,
  leaseMs,
  msBetween,
  type ProjectId,
  type TaskId,
} from '../../../protocol/index.ts';
import type { AgentIdentity } from '../../adapters/runners/agent-tokens.ts';
import { type RunnerRecord, runnerRef } from '../../adapters/runners/runner-record.ts';
import type { TaskRecord } from '../../adapters/tasks/tasks.ts';
import { UnreadableItem } from '../../adapters/unreadable-item.ts';
import { room } from '../../core/runners/slots.ts';
import { afterTurn, byRank, type InLine, inLineOf, inTurn, rankOf } from '../../core/tasks/order.ts';
import { globalQueue, queuesOf } from '../../core/tasks/routing.ts';
import { isHeldStatus } from '../../core/tasks/task-state.ts';
import type { Deps, TaskParts } from '../deps.ts';
import { sendEvent } from '../webhooks/deliver.ts';
import { type AssignDeps, assignTask } from './assign.ts';
import { heldTasks, refsOf, tasksOf } from './held-tasks.ts';
import { assignFromLines, poolLine } from './line.ts';
import { type Early, payloadOf, readEarly, readParts, secretsOf } from './payload.ts';
import { endAttempt } from './recover-task.ts';

export type ClaimDeps = AssignDeps & Pick<Deps, 'readTaskParts' | 'seal' | 'agentTokens' | 'recordSecretUse'>;

/** `not_claimable`: drop the doorbell. `try_later`: put it back, as another runner may take it. */
export type ClaimResult =
  | { readonly ok: true; readonly claim: ClaimResponse }
  | { readonly ok: false; readonly code: 'not_claimable' | 'try_later' };

const refused = (code: 'not_claimable' | 'try_later'): ClaimResult => ({ ok: false, code });

/**
 * Gives a runner the first startable task of a queue, whichever task's doorbell its agent received: doorbells
 * come in any order. The index lags a moment, so the items themselves decide each try. A doorbell whose own
 * task waits no longer is finished, also while the runner is full: the other waiting tasks have their own
 * doorbells.
 */
export const claimTask = async (
  deps: ClaimDeps,
  agent: AgentIdentity,
  request: ClaimRequest,
): Promise<ClaimResult> => {
  const before = request.again ? await givenBefore(deps, agent, request.taskId) : undefined;
  if (before) return giveAgain(deps, agent, before);
  const rung = { projectId: request.projectId, id: request.taskId };
  const queue =
    request.queue ?? (await unlessUnreadable(deps, () => deps.tasks.get(rung.projectId, rung.id)))?.queue;
  if (queue === undefined) return refused('not_claimable');
  if (wasJustAlone(deps, request)) {
    const early = request.parts && readEarly(deps, request, request.parts);
    if (!(await deps.lines.isAwaited(queue))) {
      const result = await claimOne(deps, agent, rung, { queue, doorbell: rung.id, isAlone: true, early });
      if (result.ok) return result;
    }
  }
  const { line, served, tasks } = await lineFor(deps, agent, request, queue);
  let isGone = false;
  let checked = tasks;
  const check = async () => {
    checked ??= await deps.tasks.getAll(line);
    return (id: TaskId) =>
      checked?.some((task) => task.id === id && task.status === 'waiting' && task.queue === queue);
  };
  for (const next of line) {
    const isRung = next.id === rung.id;
    // The first task needs no check when it is the one that rang; the index may be outdated for the others.
    if (!isRung || checked) {
      const waits = await check();
      isGone ||= !waits(rung.id);
      if (!waits(next.id)) continue;
    }
    const turn = served && afterTurn(served, next.projectId);
    const result = await claimOne(deps, agent, next, { queue, doorbell: rung.id, served: turn });
    if (result.ok) {
      // Read again: another claim of this runner may have taken it meanwhile.
      const left = isRung
        ? undefined
        : await unlessUnreadable(deps, () => deps.tasks.get(rung.projectId, rung.id));
      if (isRung) return result;
      if (left?.status !== 'waiting') return { ok: true, claim: { ...result.claim, forget: true } };
      if (left.runnerId === agent.runnerId) await assignTask(deps, left);
      return result;
    }
    // The runner has no room; the rung task may have ended all the same, if it was not checked yet.
    if (result.code === 'try_later') {
      return isGone || !(await check())(rung.id) ? refused('not_claimable') : result;
    }
    isGone ||= isRung;
  }
  return refused('not_claimable');
};

/** Maximum tasks examined per claim; the task that rang is always one of them. */
const lookedAt = 10;
/** For this long after the task was alone in the line, another look would hardly show more. */
const aloneMs = 2000;

/** True when no other task of the queue was assigned a moment ago. Who is in line is another matter. */
const wasJustAlone = ({ now }: Pick<ClaimDeps, 'now'>, { aloneAt }: ClaimRequest): boolean =>
  aloneAt !== undefined && msBetween(aloneAt, now()) < aloneMs;

/** Returns the tasks to try, next first, with the one that rang; for the global pool also the turns. */
const lineFor = async (
  deps: ClaimDeps,
  agent: AgentIdentity,
  { projectId, taskId }: ClaimRequest,
  queue: string,
): Promise<{ line: readonly InLine[]; served?: readonly ProjectId[]; tasks?: readonly TaskRecord[] }> => {
  const rung = { projectId, id: taskId, rank: rankOf({ id: taskId }) };
  const withRung = (line: readonly InLine[]) =>
    line.some(({ id }) => id === taskId) ? line : [...line, rung];
  if (queue !== globalQueue) {
    const line = await deps.tasks.line(queue, lookedAt);
    const isFarBehind = line.length === lookedAt && !line.some(({ id }) => id === taskId);
    return isFarBehind ? frontFor(deps, queue, line, rung) : { line: withRung(line) };
  }
  const runner = await deps.runners.get(agent.pool, agent.runnerId);
  const served = runner?.served ?? [];
  const [{ line, held }, oldest] = await Promise.all([
    poolLine(deps, served),
    // Some are assigned to runners that are still starting.
    deps.tasks.line(queue, lookedAt),
  ]);
  const own = runner ? refsOf(runner, runner.assigned) : [];
  // Read first: a task that waits no longer must not take its project's turn.
  const tasks = await deps.tasks.getAll([...line, ...oldest, ...own, rung]);
  const waiting = tasks.filter(({ status }) => status === 'waiting').map(inLineOf);
  return { line: inTurn(waiting, held, served).slice(0, lookedAt), served, tasks };
};

/**
 * Returns the tasks to try before one that rang from far behind. All of those that the index shows may have
 * started while it lags: then the line of the queue, which does not lag, has the next ones.
 */
const frontFor = async (deps: ClaimDeps, queue: string, indexed: readonly InLine[], rung: InLine) => {
  const isWaiting = ({ status, queue: now }: TaskRecord) => status === 'waiting' && now === queue;
  const tasks = await deps.tasks.getAll([...indexed, rung]);
  if (tasks.some((task) => task.id !== rung.id && isWaiting(task)))
    return { line: [...indexed, rung], tasks };
  const front = await deps.tasks.getAll([...(await deps.lines.first(queue, undefined, lookedAt)), rung]);
  return { line: front.filter(isWaiting).map(inLineOf).sort(byRank), tasks: front };
};

/** Returns the task of a claim whose response was lost, if the task has not reported since. */
const givenBefore = async (deps: ClaimDeps, agent: AgentIdentity, doorbell: TaskId) => {
  const runner = await deps.runners.get(agent.pool, agent.runnerId);
  const held = runner ? await heldTasks(deps, runner) : [];
  return held.find(
    ({ id, claimedBy = id, status, runnerId }) =>
      claimedBy === doorbell && status === 'starting' && runnerId === agent.runnerId,
  );
};

/** The runner has the slot already; taking it again renews the lease, if the agent is still its own. */
const giveAgain = async (deps: ClaimDeps, agent: AgentIdentity, task: TaskRecord): Promise<ClaimResult> => {
  const leaseUntil = addMs(deps.now(), leaseMs);
  const runner = await deps.runners.takeSlot(runnerRef(agent.pool, agent.runnerId), task, leaseUntil, agent);
  return runner ? give(deps, agent, runner, task, leaseUntil) : refused('try_later');
};

/** Treats an unreadable item as missing, so that the agent asks for another task. */
const unlessUnreadable = async <T>(
  { log }: Pick<Deps, 'log'>,
  read: () => Promise<T | undefined>,
): Promise<T | undefined> => {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UnreadableItem)) throw error;
    log.error('A claim met an unreadable item', { ...error.key, error: error.message });
    return undefined;
  }
};

interface Claiming {
  readonly queue: string;
  readonly doorbell: TaskId;
  readonly served?: readonly ProjectId[];
  /** Only while no other task is assigned to the runner. */
  readonly isAlone?: boolean;
  readonly early?: Early;
}

/**
 * Gives one waiting task to a runner: first a slot, by a conditional write on the runner, then the task, by
 * one on the task. If the second is refused, the slot is returned; after a crash between the two, the
 * heartbeat frees it.
 */
const claimOne = async (
  deps: ClaimDeps,
  agent: AgentIdentity,
  { projectId, id }: Pick<InLine, 'projectId' | 'id'>,
  { queue, doorbell, early, ...turn }: Claiming,
): Promise<ClaimResult> => {
  const now = deps.now();
  const leaseUntil = addMs(now, leaseMs);
  const ref = runnerRef(agent.pool, agent.runnerId);
  const runner = await deps.runners.takeSlot(ref, { projectId, id }, leaseUntil, agent, turn);
  if (!runner) return refused('try_later');
  const before = queuesOf(runner).includes(queue)
    ? await unlessUnreadable(deps, () =>
        deps.tasks.claim({ projectId, id }, { runnerId: runner.id, queue, doorbell }, now),
      )
    : undefined;
  if (!before) {
    const task = await unlessUnreadable(deps, () => deps.tasks.get(projectId, id));
    // A second doorbell for a task that this runner already has must not cost it the slot.
    const isHeld = task?.runnerId === runner.id && isHeldStatus(task.status);
    if (!isHeld) await deps.runners.returnSlot(runner, { projectId, id });
    return refused('not_claimable');
  }
  const task: TaskRecord = { ...before, status: 'starting', runnerId: runner.id };
  await tellOthers(deps, before, task, runner);
  if (before.runnerId !== runner.id) await assignDisplaced(deps, runner, doorbell);
  return give(deps, agent, runner, task, leaseUntil, early);
};

/**
 * Assigns the task again whose place on the runner the claimed one took, often to the runner that had the
 * claimed task and now has room. `claimTask` does so for the task of the doorbell.
 */
const assignDisplaced = async (deps: ClaimDeps, runner: RunnerRecord, doorbell: TaskId): Promise<void> => {
  const { assigned } = runner;
  if (room(runner) >= 0 || assigned.includes(doorbell)) return;
  const [task] = await tasksOf(deps, runner, assigned.slice(-1));
  if (task?.status === 'waiting' && task.runnerId === runner.id) await assignTask(deps, task);
};

/**
 * Excludes the editors of this attempt's parts from confirming the task. For a task that a person started,
 * only later editors: that person saw the earlier state. False: the runner has lost the task.
 */
const keepEditorsOut = async (
  deps: ClaimDeps,
  runner: RunnerRecord,
  task: TaskRecord,
  { edits }: TaskParts,
): Promise<boolean> => {
  const isLate = (at: Instant | undefined) => at !== undefined && at >= task.createdAt;
  const editors = edits.flatMap(({ editedBy, editedAt }) =>
    task.isUnattended || isLate(editedAt) ? [editedBy] : [],
  );
  const before = task.notConfirmedBy ?? [];
  const all = [...new Set([...before, ...editors])];
  if (all.length === before.length) return true;
  const holder = { runnerId: runner.id, attempt: task.attempt };
  return (await deps.tasks.keepFromConfirming(task, holder, all)) !== undefined;
};

/** Returns the lease and the payload of a claimed task. */
const give = async (
  deps: ClaimDeps,
  agent: AgentIdentity,
  runner: RunnerRecord,
  task: TaskRecord,
  leaseUntil: Instant,
  early?: Early,
): Promise<ClaimResult> => {
  const parts = await unlessUnreadable(deps, () => readParts(deps, task, early));
  const end = async (reason: string): Promise<ClaimResult> => {
    await deps.runners.returnSlot(runner, task);
    await endAttempt(deps, runner, { ...task, onRunnerLost: 'fail' }, reason);
    return refused('not_claimable');
  };
  if (!parts) return end('The template, or something that it names, was removed or cannot be read.');
  if (task.confirmedBy === 'another_person') {
    if (!isTerraform(parts.template.app)) {
      return end('Another person has to confirm it, and the app that its template has by now asks nobody.');
    }
    if (!(await keepEditorsOut(deps, runner, task, parts))) return refused('not_claimable');
  }
  const secrets = secretsOf(task, parts);
  if (secrets.length > 0) {
    const { projectId, id: taskId, templateName } = task;
    await deps.recordSecretUse({ projectId, taskId, templateName, runner, secrets });
  }
  const lease = { ...agent, projectId: task.projectId, taskId: task.id, attempt: task.attempt };
  return {
    ok: true,
    claim: {
      projectId: task.projectId,
      taskId: task.id,
      attempt: task.attempt,
      lease: await deps.agentTokens.signLease(lease, leaseUntil),
      payload: await deps.seal(JSON.stringify(payloadOf(task, parts)), runner.publicKey),
      finishTakesLog: true,
    },
  };
};

/**
 * Takes the task from where it waited, and notifies own receivers of both runners, which keep count. The
 * runner that it was assigned to has a place now.
 */
const tellOthers = async (
  deps: ClaimDeps,
  before: TaskRecord,
  task: TaskRecord,
  claimer: RunnerRecord,
): Promise<void> => {
  if (before.runnerId === claimer.id) return;
  if (before.runnerId === undefined) await deps.lines.leave(before.queue, inLineOf(before));
  if (claimer.webhookUrl) await sendEvent(deps, 'start', task, claimer);
  const previous = before.runnerId && (await deps.runners.find(task.projectId, before.runnerId));
  if (!previous) return;
  await deps.runners.unassign(previous, task);
  if (previous.webhookUrl) await sendEvent(deps, 'finish', task, previous);
  await assignFromLines(deps, queuesOf(previous));
};
