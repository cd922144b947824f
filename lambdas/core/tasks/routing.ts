/** Routing: from a template and its inventory to a tag, and from a tag to a queue and its runners. */
import type { ProjectId, Runner } from '../../../protocol/index.ts';

interface Tagged {
  readonly tag?: string;
}

/** Returns the template's tag, else its inventory's, else none. */
export const resolveTag = (template: Tagged, inventory?: Tagged): string | undefined =>
  template.tag ?? inventory?.tag;

/** Queue of the global runners. */
export const globalQueue = 'global';

/** Queue of a project's tag, or of its untagged tasks. A queue's name shows who may serve it. */
export const projectQueue = (projectId: ProjectId, tag?: string): string =>
  tag === undefined ? projectId : `${projectId}-${tag}`;

/** Lists the queues that a runner polls. A runner with tags serves only those. */
export const queuesOf = (runner: Pick<Runner, 'projectId' | 'tags'>): string[] => {
  const { projectId, tags } = runner;
  if (projectId === undefined) return [globalQueue];
  return tags.length === 0 ? [projectQueue(projectId)] : tags.map((tag) => projectQueue(projectId, tag));
};

/** Control queue of a runner, for "send a heartbeat" alone. */
export const controlQueueOf = ({ id, projectId }: Pick<Runner, 'id' | 'projectId'>): string =>
  `${projectId ?? globalQueue}-${id}`;

export interface Route {
  readonly queue: string;
  /** Runners that poll that queue, including inactive ones. */
  readonly runners: readonly Runner[];
}

/**
 * Routes a task. An untagged task goes to its project's untagged runners if there is an active one, else to
 * the global pool. A tagged task never leaves its (project, tag).
 */
export const route = (
  task: { readonly projectId: ProjectId; readonly tag?: string },
  projectRunners: readonly Runner[],
  globalRunners: readonly Runner[],
): Route => {
  const queue = projectQueue(task.projectId, task.tag);
  const runners = projectRunners.filter((runner) => queuesOf(runner).includes(queue));
  return needsGlobalPool(task, projectRunners)
    ? { queue: globalQueue, runners: globalRunners }
    : { queue, runners };
};

/** True when a task is for the global pool, as far as its project's own runners show. */
export const needsGlobalPool = (
  task: { readonly tag?: string },
  projectRunners: readonly Runner[],
): boolean =>
  task.tag === undefined && !projectRunners.some((runner) => runner.active && runner.tags.length === 0);
