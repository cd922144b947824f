/** Routing: from a template and its inventory to a tag, from a tag to a queue and the runners that may serve it. */
import type { ProjectId, Runner } from '../../../protocol/index.ts';

interface Tagged {
  readonly tag?: string | undefined;
}

/** The template's tag, else its inventory's, else none. */
export const resolveTag = (template: Tagged, inventory?: Tagged): string | undefined =>
  template.tag ?? inventory?.tag;

/** The queue of what everybody's runners serve. */
export const globalQueue = 'global';

/** The queue of a (project, tag), or of a project's untagged tasks. A queue's name tells who may serve it. */
export const projectQueue = (projectId: ProjectId, tag?: string): string =>
  tag === undefined ? projectId : `${projectId}-${tag}`;

/** The queues that a runner polls. A runner with tags serves only them. */
export const queuesOf = (runner: Pick<Runner, 'projectId' | 'tags'>): string[] => {
  const { projectId, tags } = runner;
  if (projectId === undefined) return [globalQueue];
  return tags.length === 0 ? [projectQueue(projectId)] : tags.map((tag) => projectQueue(projectId, tag));
};

/** The queue in which nothing but "send a heartbeat" rings, for this runner alone. */
export const controlQueueOf = ({ id, projectId }: Pick<Runner, 'id' | 'projectId'>): string =>
  `${projectId ?? globalQueue}-${id}`;

export interface Route {
  readonly queue: string;
  /** The runners that poll that queue, inactive ones too. */
  readonly runners: readonly Runner[];
}

/**
 * Where a task belongs. An untagged task goes to its project's untagged runners if there is an active one, else to the
 * global pool; a tagged task never leaves its (project, tag).
 */
export const route = (
  task: { readonly projectId: ProjectId; readonly tag?: string | undefined },
  projectRunners: readonly Runner[],
  globalRunners: readonly Runner[],
): Route => {
  const queue = projectQueue(task.projectId, task.tag);
  const runners = projectRunners.filter((runner) => queuesOf(runner).includes(queue));
  return needsGlobalPool(task, projectRunners)
    ? { queue: globalQueue, runners: globalRunners }
    : { queue, runners };
};

/** Whether a task is one for the global pool, as far as its project's own runners tell. */
export const needsGlobalPool = (
  task: { readonly tag?: string | undefined },
  projectRunners: readonly Runner[],
): boolean =>
  task.tag === undefined && !projectRunners.some((runner) => runner.active && runner.tags.length === 0);
