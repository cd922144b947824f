/** Fixture for scenarios: a world without faults, in which a test decides the events and their times. */
import { expect } from 'vitest';
import { whyWaiting } from '../../../lambdas/core/tasks/reason.ts';
import { routeTask } from '../../../lambdas/flows/tasks/assign.ts';
import type { Task } from '../../../protocol/index.ts';
import { createWorld, type World } from '../world.ts';

const minuteMs = 60_000;

export type Stage = ReturnType<typeof stageOf>;

const stageOf = (world: World) => {
  /** Advances time until the action is done. */
  const done = async <T>(act: Promise<T>): Promise<T> => {
    let isDone = false;
    const settled = act.finally(() => {
      isDone = true;
    });
    await world.pass(10 * minuteMs, () => isDone);
    return settled;
  };
  const read = async (task: Pick<Task, 'projectId' | 'id'>) => {
    const found = await world.task(task);
    if (!found) throw new Error('the task is gone');
    return found;
  };
  return {
    world,
    projectId: world.newProject(),
    done,
    read,
    start: async (template: Parameters<World['startTask']>[0]): Promise<Task> => {
      const task = await done(world.startTask(template));
      if (!task) throw new Error('the task was not accepted');
      return task;
    },
    pass: (ms: number) => world.pass(ms),
    /** Returns the reason that a waiting task's user reads. */
    reasonOf: async (task: Pick<Task, 'projectId' | 'id'>): Promise<string> => {
      const found = await read(task);
      const { runners } = await routeTask({ runners: world.stores.runners }, found);
      return whyWaiting(found, runners, world.time.now());
    },
    /** Returns the wait before the task's first start. */
    waitMs: async (task: Pick<Task, 'projectId' | 'id'>): Promise<number> => {
      const { claimedAt, createdAt } = await read(task);
      return claimedAt === undefined
        ? Number.POSITIVE_INFINITY
        : Date.parse(claimedAt) - Date.parse(createdAt);
    },
  };
};

/** Runs a scenario, and checks every invariant. */
export const play = async (
  act: (stage: Stage) => Promise<void>,
  options: { seed?: number; faultScale?: number } = {},
): Promise<void> => {
  const world = createWorld({ seed: options.seed ?? 1, faultScale: options.faultScale ?? 0 });
  const realNow = Date.now;
  Date.now = world.time.nowMs;
  try {
    await act(stageOf(world));
  } finally {
    Date.now = realNow;
  }
  expect(world.watch.violations).toEqual([]);
};
