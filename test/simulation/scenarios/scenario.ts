/** Fixture for scenarios: a simulation without faults, in which a test decides the events and their times. */
import { expect } from 'vitest';
import { whyWaiting } from '../../../lambdas/core/tasks/reason.ts';
import { routeTask } from '../../../lambdas/flows/tasks/assign.ts';
import type { Task } from '../../../protocol/index.ts';
import type { SimulationOptions } from '../environment.ts';
import { createSimulation, type Simulation } from '../simulation.ts';

const minuteMs = 60_000;

export type Stage = ReturnType<typeof stageOf>;

const stageOf = (simulation: Simulation) => {
  /** Advances time until the action is done. */
  const done = async <T>(act: Promise<T>): Promise<T> => {
    let isDone = false;
    const settled = act.finally(() => {
      isDone = true;
    });
    await simulation.pass(10 * minuteMs, () => isDone);
    return settled;
  };
  const read = async (task: Pick<Task, 'projectId' | 'id'>) => {
    const found = await simulation.task(task);
    if (!found) throw new Error('the task is gone');
    return found;
  };
  return {
    simulation,
    projectId: simulation.newProject(),
    done,
    read,
    start: async (template: Parameters<Simulation['startTask']>[0]): Promise<Task> => {
      const task = await done(simulation.startTask(template));
      if (!task) throw new Error('the task was not accepted');
      return task;
    },
    pass: (ms: number) => simulation.pass(ms),
    /** Returns the reason that a waiting task's user reads. */
    reasonOf: async (task: Pick<Task, 'projectId' | 'id'>): Promise<string> => {
      const found = await read(task);
      const { runners } = await routeTask({ runners: simulation.stores.runners }, found);
      return whyWaiting(found, runners, simulation.time.now());
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
  options: Partial<SimulationOptions> = {},
): Promise<void> => {
  const simulation = createSimulation({ seed: 1, faultScale: 0, ...options });
  const realNow = Date.now;
  Date.now = simulation.time.nowMs;
  try {
    await act(stageOf(simulation));
  } finally {
    Date.now = realNow;
  }
  expect(simulation.watch.violations).toEqual([]);
};
