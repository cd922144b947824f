/** Drop-in for a Semaphore server: starts an instance with the first task for it, stops it with the last. */
import { msBetween, type ReceivedWebhookBody } from '../../../protocol/index.ts';
import type { SemaphoreHook, SemaphoreHooks } from '../../adapters/webhooks/semaphore-hooks.ts';
import { isGone, startFailure } from '../../core/runners/start-failure.ts';
import type { Deps } from '../deps.ts';

export type SemaphoreDeps = Pick<Deps, 'now' | 'log' | 'instances'> & { readonly hooks: SemaphoreHooks };

const notThere = 'EC2 has no such instance in this region any more. Make a URL for another one.';

/** `cannot_be_woken`: only the instance's owner can fix it, so the task would wait in vain. */
export type SemaphoreOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: 'cannot_be_woken'; readonly detail: string };

const taken: SemaphoreOutcome = { ok: true };

const refusal = (hook: SemaphoreHook, why: string): SemaphoreOutcome => ({
  ok: false,
  code: 'cannot_be_woken',
  detail: `${hook.instanceId} cannot be started: ${why}`,
});

/** Starts the instance. After a passing failure, EC2's `stopped` event or the minute's check retries. */
const startInstance = async (deps: SemaphoreDeps, hook: SemaphoreHook): Promise<SemaphoreOutcome> => {
  const outcome = await deps.instances.start(hook);
  const about = { hookId: hook.id, instanceId: hook.instanceId };
  if (outcome.started) {
    deps.log.info('Started an instance for Semaphore', about);
    return taken;
  }
  deps.log.warn('An instance for Semaphore did not start yet', { ...about, ...outcome });
  if (outcome.code === 'still_stopping') {
    // EC2 answers the same for a terminated instance, until it forgets it.
    const state = (await deps.instances.describe(hook))?.state;
    return state === 'terminated' || state === 'shutting-down' ? refusal(hook, notThere) : taken;
  }
  const { mayPass, detail } = startFailure(outcome.awsCode, outcome.detail);
  return mayPass ? taken : refusal(hook, isGone(outcome.awsCode) ? notThere : detail);
};

const stopInstance = async (deps: SemaphoreDeps, hook: SemaphoreHook): Promise<void> => {
  await deps.instances.stop(hook);
  deps.log.info('Stopped an instance of Semaphore', { hookId: hook.id, instanceId: hook.instanceId });
};

const finish = async (deps: SemaphoreDeps, id: string, task: string): Promise<SemaphoreOutcome> => {
  const left = await deps.hooks.finish(id, task);
  if (left?.tasks.size === 0) await leavingRestToTheMinute(deps, id, () => stopInstance(deps, left));
  return taken;
};

/**
 * Semaphore fails a task whose webhook fails, and after a failed start it sends no finish. So an error of EC2
 * is not reported to it: the tasks are stored, and the minute's check retries.
 */
const leavingRestToTheMinute = async <T>(
  deps: SemaphoreDeps,
  hookId: string,
  act: () => Promise<T>,
): Promise<T | undefined> => {
  try {
    return await act();
  } catch (error) {
    deps.log.error('An instance of Semaphore is left for later', { hookId, error: String(error) });
    return undefined;
  }
};

/** Acts on a webhook. A repeated one, an early finish, or a finish of an unknown task does no harm. */
export const receiveFromSemaphore = async (
  deps: SemaphoreDeps,
  { id }: Pick<SemaphoreHook, 'id'>,
  body: Omit<ReceivedWebhookBody, 'attempt'>,
): Promise<SemaphoreOutcome> => {
  const task = `${body.project_id}/${body.task_id}`;
  if (body.action === 'finish') return finish(deps, id, task);
  const counting = await deps.hooks.start(id, task, deps.now());
  const outcome = counting && (await leavingRestToTheMinute(deps, id, () => startInstance(deps, counting)));
  if (!outcome || outcome.ok) return taken;
  await deps.hooks.withdraw(id, task);
  return outcome;
};

/**
 * Checks instances that may be on: starts those that stopped under a task or could not start, stops those
 * without a task, and gives up on tasks whose finish never came.
 */
export const lookAfterSemaphore = async (deps: SemaphoreDeps): Promise<void> => {
  for (const hook of await deps.hooks.listLive()) {
    await leavingRestToTheMinute(deps, hook.id, () => lookAfter(deps, hook));
  }
};

const lookAfter = async (deps: SemaphoreDeps, found: SemaphoreHook): Promise<void> => {
  const silentMs = found.lastStartAt === undefined ? 0 : msBetween(found.lastStartAt, deps.now());
  const isOverdue = found.tasks.size > 0 && silentMs > found.maxHours * 3_600_000;
  const hook = (isOverdue && (await deps.hooks.forgetTasks(found))) || found;
  if (isOverdue && hook !== found) {
    deps.log.warn('Semaphore sent no finish for tasks', { hookId: hook.id, tasks: [...found.tasks] });
  }
  const state = (await deps.instances.describe(hook))?.state;
  if (hook.tasks.size > 0) {
    if (state === 'stopped') await startInstance(deps, hook);
  } else if (state === 'running' || state === 'pending') await stopInstance(deps, hook);
  else if (state !== 'stopping') await deps.hooks.rest(hook.id);
};
