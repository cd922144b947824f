/** The simulation: its environment, its users, and its events. */
import type { Item } from '../../lambdas/adapters/table.ts';
import type { TaskRecord } from '../../lambdas/adapters/tasks/tasks.ts';
import { epochMs, type RunnerId, type Task, toInstant } from '../../protocol/index.ts';
import { createEnvironment, type SimulationOptions } from './environment.ts';
import { createPeople } from './people.ts';
import { whatGoesOn } from './quiet.ts';

export type Simulation = ReturnType<typeof createSimulation>;

export const createSimulation = (options: SimulationOptions) => {
  const environment = createEnvironment(options);
  const { time, table, ec2, control, watch, waiting, stores, machines } = environment;
  return {
    ...environment,
    ...createPeople(environment),
    isQuiet: () => whatGoesOn(table, ec2),
    /**
     * Announces a take-back as EC2 does, by a two-minute notice or only by advice; takes the instance back
     * after a notice.
     */
    takeBack: (instanceId: string, isNotice: boolean) => {
      const machine = machines.ofInstance(instanceId);
      if (machine) waiting.asked(machine.runnerId);
      const kind = isNotice
        ? 'EC2 Spot Instance Interruption Warning'
        : 'EC2 Instance Rebalance Recommendation';
      void control.onInstanceEvent(instanceId, '', toInstant(time.nowMs()), kind);
      if (isNotice) time.after(120_000, () => ec2.interrupt(instanceId));
    },
    task: (task: Pick<Task, 'projectId' | 'id'>): Promise<TaskRecord | undefined> =>
      stores.tasks.get(task.projectId, task.id),
    /** Prevents the runner's agent from starting, or allows it again. */
    breakBoot: (runnerId: RunnerId, isBroken = true) => {
      const machine = machines.of(runnerId);
      if (machine) machine.isBroken = isBroken;
    },
    /** Removes power from the machine without warning. */
    unplug: (runnerId: RunnerId) => {
      const machine = machines.of(runnerId);
      if (machine) machines.switchOff(machine);
    },
    killAgent: (runnerId: RunnerId) => {
      const machine = machines.of(runnerId);
      if (machine) machines.restart(machine);
    },
    /** Advances time by `ms`, or until a violation. */
    pass: async (ms: number, until: () => boolean = () => false): Promise<void> => {
      const untilMs = time.nowMs() + ms;
      await time.run(
        untilMs,
        () => {},
        () => watch.violations.length > 0 || until(),
      );
    },
    items: (prefix: string): Item[] => [...table.items(prefix)],
    ageMs: (item: Item) => time.nowMs() - epochMs(String(item.createdAt)),
  };
};
