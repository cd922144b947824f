/**
 * Checks routes: tasks run on a runner of their project with their tag; without either, in the global pool.
 */

import type { Item } from '../../lambdas/adapters/table.ts';
import type { RunnerId } from '../../protocol/index.ts';

/** Stands for "takes tasks without a tag". */
const untagged = '';

export const createRouteWatch = () => {
  /** All tags that a runner ever had: they may change between a task's claim and its begin. */
  const everTags = new Map<RunnerId, Set<string>>();
  const everOf = (runnerId: RunnerId): Set<string> => {
    const ever = everTags.get(runnerId) ?? new Set();
    everTags.set(runnerId, ever);
    return ever;
  };

  return {
    tagged: (runnerId: RunnerId, tags: readonly string[]): void => {
      for (const tag of tags.length > 0 ? tags : [untagged]) everOf(runnerId).add(tag);
    },
    /** Checks a task's runner. `pool` is the runner's: its project, or `global`. */
    mayRun: (
      task: Item,
      { runnerId, pool }: { readonly runnerId: RunnerId; readonly pool: string },
    ): boolean => {
      if (pool !== 'global' && pool !== task.projectId) return false;
      const ever = everOf(runnerId);
      return typeof task.tag === 'string' ? pool !== 'global' && ever.has(task.tag) : ever.has(untagged);
    },
  };
};
