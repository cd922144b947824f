/** Creates, changes and removes runners, with their queues and the binding to their instances. */
import {
  addMs,
  type Instant,
  isPoweredByStack,
  type Runner,
  type RunnerInput,
} from '../../../protocol/index.ts';
import { poolOf, type RunnerRecord } from '../../adapters/runners/runner-record.ts';
import type { NewRunner } from '../../adapters/runners/runners.ts';
import { nameRefusedMs } from '../../adapters/tasks/queue-names.ts';
import { controlQueueOf, queuesOf } from '../../core/tasks/routing.ts';
import type { Deps } from '../deps.ts';
import { type AssignDeps, assignAgain } from '../tasks/assign.ts';
import { refsOf } from '../tasks/held-tasks.ts';
import { assignFromLines, rerouteUntagged } from '../tasks/line.ts';
import { requestHeartbeat } from './request-heartbeat.ts';

export type SetupResult =
  | { readonly ok: true; readonly runner: RunnerRecord }
  | { readonly ok: false; readonly code: 'not_found' | 'instance_taken' };

/** Assigns tasks that waited for such a runner, or for its settings, or that wait in another line by now. */
const assignWaiting = async (deps: AssignDeps, runner: RunnerRecord | NewRunner): Promise<void> => {
  await assignFromLines(deps, queuesOf(runner));
  if (runner.projectId !== undefined) await rerouteUntagged(deps, runner.projectId);
};

/** Makes queues. Undefined: they exist; otherwise the time when SQS accepts a recently removed name again. */
export const makeQueues = async (
  deps: Pick<Deps, 'now' | 'queues'>,
  queues: readonly string[],
): Promise<Instant | undefined> => {
  let from: Instant | undefined;
  for (const queue of queues) {
    if (!(await deps.queues.create(queue))) from = addMs(deps.now(), nameRefusedMs);
  }
  return from;
};

/** Stores a new runner, asleep; makes its queues; assigns tasks that waited for such a runner. */
export const createRunner = async (
  deps: AssignDeps,
  input: RunnerInput,
  made: Pick<NewRunner, 'id' | 'projectId' | 'publicKey' | 'tokenHash' | 'webhookSecret' | 'instanceNamedBy'>,
): Promise<SetupResult> => {
  if (input.instanceId && !(await deps.runners.bind(input.instanceId, made))) {
    return { ok: false, code: 'instance_taken' };
  }
  const now = deps.now();
  const queuesFrom = await makeQueues(deps, [...queuesOf({ ...input, ...made }), controlQueueOf(made)]);
  const record: NewRunner = {
    ...input,
    ...made,
    queuesFrom,
    status: isPoweredByStack(input) ? 'stopped' : 'offline',
    statusSince: now,
    createdAt: now,
  };
  await deps.runners.create(record);
  await assignWaiting(deps, record);
  const runner = await deps.runners.get(poolOf(made), made.id);
  return runner ? { ok: true, runner } : { ok: false, code: 'not_found' };
};

/** Changes the settings that an owner may set. */
export const configureRunner = async (
  deps: AssignDeps,
  before: RunnerRecord,
  input: RunnerInput,
): Promise<SetupResult> => {
  const bound = input.fleet === undefined ? input.instanceId : undefined;
  if (bound && !(await deps.runners.bind(bound, before))) {
    return { ok: false, code: 'instance_taken' };
  }
  const after = queuesOf({ ...before, ...input });
  const queuesFrom = await makeQueues(deps, after);
  const configured = await deps.runners.configure(before, input);
  const runner =
    configured && configured.queuesFrom !== queuesFrom
      ? await deps.runners.awaitQueues(before, queuesFrom)
      : configured;
  if (!runner) return { ok: false, code: 'not_found' };
  await requestHeartbeat(deps, runner);
  await removeOrphans(deps, before, queuesOf(before));
  await assignAgain(deps, refsOf(runner, runner.assigned));
  await assignWaiting(deps, runner);
  return { ok: true, runner };
};

/** Removes a sleeping runner without tasks, and queues that no other runner polls. Otherwise false. */
export const removeRunner = async (
  deps: AssignDeps & Pick<Deps, 'fleetPlaces' | 'now'>,
  runner: RunnerRecord,
): Promise<boolean> => {
  if (!(await deps.runners.remove(runner))) return false;
  // Without its place, the reconciler finds no runner for its instance and terminates it.
  await deps.fleetPlaces.leave(runner);
  if (runner.fleet !== undefined && runner.instanceId !== undefined)
    await deps.runners.unbind(runner.instanceId, deps.now());
  await deps.queues.remove(controlQueueOf(runner));
  await removeOrphans(deps, runner, queuesOf(runner));
  return true;
};

const removeOrphans = async (
  deps: Pick<Deps, 'runners' | 'queues'>,
  owner: Pick<Runner, 'projectId'>,
  queues: readonly string[],
): Promise<void> => {
  const polled = new Set((await deps.runners.list(poolOf(owner))).flatMap((runner) => queuesOf(runner)));
  for (const queue of queues.filter((name) => !polled.has(name))) await deps.queues.remove(queue);
};
