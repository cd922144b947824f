/** The drop-in for a Semaphore server: starts an instance with the first task that counts on it, stops it with the last. */
import { msBetween, type ReceivedWebhookBody } from '../../protocol/index.ts';
import type { SemaphoreHook, SemaphoreHooks } from '../adapters/semaphore-hooks.ts';
import type { Deps } from './deps.ts';

export type SemaphoreDeps = Pick<Deps, 'now' | 'log' | 'instances'> & { readonly hooks: SemaphoreHooks };

const startInstance = async (deps: SemaphoreDeps, hook: SemaphoreHook): Promise<void> => {
  const outcome = await deps.instances.start(hook);
  const about = { hookId: hook.id, instanceId: hook.instanceId };
  if (outcome.started) deps.log('Started an instance for Semaphore', about);
  // Whoever looks next tries again: EC2's word that it has stopped, or the minute.
  else deps.log('An instance for Semaphore did not start yet', { ...about, ...outcome });
};

const stopInstance = async (deps: SemaphoreDeps, hook: SemaphoreHook): Promise<void> => {
  await deps.instances.stop(hook);
  deps.log('Stopped an instance of Semaphore', { hookId: hook.id, instanceId: hook.instanceId });
};

/** Acts on a webhook. The same one twice, a finish before its start, or a finish of something unknown does no harm. */
export const receiveFromSemaphore = async (
  deps: SemaphoreDeps,
  hook: Pick<SemaphoreHook, 'id'>,
  body: Omit<ReceivedWebhookBody, 'attempt'>,
): Promise<void> => {
  const task = `${body.project_id}/${body.task_id}`;
  if (body.action === 'start') {
    const counting = await deps.hooks.start(hook.id, task, deps.now());
    if (counting) await startInstance(deps, counting);
    return;
  }
  const left = await deps.hooks.finish(hook.id, task);
  if (left?.tasks.size === 0) await stopInstance(deps, left);
};

/**
 * Looks after what may be on: starts what stopped under a task or could not start, stops what has no task, and
 * gives up on tasks whose finish never came.
 */
export const lookAfterSemaphore = async (deps: SemaphoreDeps): Promise<void> => {
  for (const hook of await deps.hooks.listLive()) {
    try {
      await lookAfter(deps, hook);
    } catch (error) {
      deps.log('An instance of Semaphore is left for later', { hookId: hook.id, error: String(error) });
    }
  }
};

const lookAfter = async (deps: SemaphoreDeps, found: SemaphoreHook): Promise<void> => {
  const silentMs = found.lastStartAt === undefined ? 0 : msBetween(found.lastStartAt, deps.now());
  const isOverdue = found.tasks.size > 0 && silentMs > found.maxHours * 3_600_000;
  const hook = (isOverdue && (await deps.hooks.forgetTasks(found))) || found;
  if (isOverdue && hook !== found) {
    deps.log('Semaphore never told that tasks finished', { hookId: hook.id, tasks: [...found.tasks] });
  }
  const state = (await deps.instances.describe(hook))?.state;
  if (hook.tasks.size > 0) {
    if (state === 'stopped') await startInstance(deps, hook);
  } else if (state === 'running' || state === 'pending') await stopInstance(deps, hook);
  else if (state !== 'stopping') await deps.hooks.rest(hook.id);
};
