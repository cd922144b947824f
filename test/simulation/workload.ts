/**
 * Workload of a random run: projects, runners, templates, the tasks over time, and the trouble that users
 * make.
 */
import { type ProjectId, type RunnerId, runnerId, type Template } from '../../protocol/index.ts';
import type { Chance } from './chance.ts';
import type { MachineKind } from './machines.ts';
import type { RunnerPlan } from './people.ts';
import type { Simulation } from './simulation.ts';

export interface Workload {
  readonly templates: readonly [Template, ...Template[]];
  readonly runnerIds: readonly [RunnerId, ...RunnerId[]];
}

export interface WorkloadOptions {
  readonly isRough: boolean;
  /** Duration of tasks and trouble. */
  readonly troubleMs: number;
  /**
   * True if several projects share only the global pool, and one of them has far more tasks than the others.
   */
  readonly contends: boolean;
  /** True if many runners are woken in the same moment, several times. */
  readonly isCrowded: boolean;
}

const minuteMs = 60_000;

const aMachine = (chance: Chance): Pick<RunnerPlan, 'kind' | 'fleet'> => {
  const kind = chance.pick<MachineKind>([
    'instance',
    'instance',
    'instance',
    'fleet',
    'fleet',
    'always on',
    'elsewhere',
  ]);
  return kind === 'fleet' ? { kind, fleet: chance.pick(['sleepers', 'spots']) } : { kind };
};

const aRunnerPlan = (chance: Chance, isGlobal: boolean): RunnerPlan => ({
  ...aMachine(chance),
  tags: isGlobal
    ? []
    : chance.pick([[], [], ['sydney'], ['tokyo'], ['sydney', 'tokyo'], ['sydney', 'tokyo']]),
  maxParallelTasks: chance.pick([1, 1, 1, 2, 3, 0]),
  idleTimeoutMs: chance.pick([undefined, undefined, undefined, 0, 0, 10_000, 120_000]),
});

const aTemplate = (simulation: Simulation, chance: Chance, projectId: ProjectId): Template => {
  const tag = chance.pick([undefined, undefined, 'sydney', 'tokyo']);
  return simulation.addTemplate(
    projectId,
    chance.between(200, chance.pick([2000, 20_000, 90_000, 300_000])),
    {
      tag,
      onRunnerLost: chance.pick(['retry', 'retry', 'fail']),
      maxAttempts: chance.between(1, 4),
      priority: chance.pick([0, 0, 0, 10, -10]),
      maxParallelTasks: chance.pick([0, 0, 0, 1, 2]),
    },
  );
};

const arrivals = (
  simulation: Simulation,
  chance: Chance,
  templates: readonly [Template, ...Template[]],
  troubleMs: number,
) => {
  const bursts = chance.between(1, 5);
  for (let burst = 0; burst < bursts; burst++) {
    const atMs = chance.between(0, troubleMs - 2 * minuteMs);
    const template = chance.pick(templates);
    for (let left = chance.between(1, 6); left > 0; left--) {
      simulation.time.after(atMs + chance.between(0, chance.pick([10, 2000, 60_000])), () => {
        void simulation.startTask(chance.happens(0.7) ? template : chance.pick(templates)).then((task) => {
          if (!task || !chance.happens(0.1)) return;
          simulation.time.after(
            chance.between(0, 90_000),
            () => void simulation.stopTask(task.projectId, task.id),
          );
        });
      });
    }
  }
};

/** Starts tasks just when a runner goes to sleep, or when its instance has just gone. */
const untimelyArrivals = (
  simulation: Simulation,
  chance: Chance,
  templates: readonly [Template, ...Template[]],
  troubleMs: number,
): void => {
  let left = chance.between(0, 30);
  const end = simulation.time.nowMs() + troubleMs - 2 * minuteMs;
  simulation.listeners.add((what, idleTimeoutMs) => {
    if (left === 0 || simulation.time.nowMs() > end || !chance.happens(0.5)) return;
    left -= 1;
    const inMs =
      what === 'runner drains'
        ? chance.between(0, chance.pick([60, 250]))
        : what === 'task ended'
          ? idleTimeoutMs + chance.between(-20, 400)
          : chance.between(0, 1800);
    simulation.time.after(inMs, () => void simulation.startTask(chance.pick(templates)));
  });
};

const trouble = (
  simulation: Simulation,
  chance: Chance,
  runnerIds: readonly [RunnerId, ...RunnerId[]],
  templates: readonly [Template, ...Template[]],
  troubleMs: number,
) => {
  const happenings: (() => void)[] = [
    () => void simulation.configure(chance.pick(runnerIds), { active: false }),
    () => void simulation.configure(chance.pick(runnerIds), { active: true }),
    () => void simulation.configure(chance.pick(runnerIds), { maxParallelTasks: chance.between(1, 3) }),
    () =>
      void simulation.configure(chance.pick(runnerIds), {
        idleTimeoutMs: chance.pick([undefined, 0, 30_000]),
      }),
    () =>
      void simulation.configure(chance.pick(runnerIds), { tags: chance.pick([[], ['sydney'], ['tokyo']]) }),
    () => void simulation.limitTemplate(chance.pick(templates), chance.between(0, 3)),
    () => void simulation.limitProject(chance.pick(templates).projectId, chance.between(0, 4)),
    () => void simulation.drainRunner(chance.pick(runnerIds), chance.between(1000, 300_000)),
    () => void simulation.wakeRunner(chance.pick(runnerIds)),
    () => void simulation.removeRunner(chance.pick(runnerIds)),
    () => simulation.killAgent(chance.pick(runnerIds)),
    () => {
      const [first, ...rest] = simulation.ec2.ids();
      if (first) simulation.takeBack(chance.pick([first, ...rest]), chance.pick([true, false]));
    },
    () => {
      // A sleeping runner with an instance and without assigned tasks.
      const [first, ...rest] = simulation
        .items('run_')
        .filter(({ fleet, instanceId, status }) => fleet && instanceId && status === 'stopped');
      if (first) void simulation.removeRunner(runnerId.parse(chance.pick([first, ...rest]).id));
    },
    () => {
      // A user terminates a fleet's instance in EC2's console.
      const [first, ...rest] = simulation.ec2.listLaunched();
      if (first) simulation.ec2.terminate(chance.pick([first, ...rest]).instanceId, 'by hand');
    },
  ];
  const [first, ...rest] = happenings;
  if (!first) return;
  for (let left = chance.between(0, 6); left > 0; left--) {
    simulation.time.after(chance.between(0, troubleMs), chance.pick([first, ...rest]));
  }
};

const setUpAnything = async (simulation: Simulation, chance: Chance): Promise<Workload> => {
  const projects: [ProjectId, ...ProjectId[]] = [simulation.newProject()];
  if (chance.happens(0.5)) projects.push(simulation.newProject());
  const first = await simulation.addRunner(projects[0], aRunnerPlan(chance, false));
  const runnerIds: [RunnerId, ...RunnerId[]] = [first];
  for (let left = chance.between(0, 4); left > 0; left--) {
    const isGlobal = chance.happens(0.25);
    runnerIds.push(
      await simulation.addRunner(isGlobal ? undefined : chance.pick(projects), aRunnerPlan(chance, isGlobal)),
    );
  }
  const templates: [Template, ...Template[]] = [aTemplate(simulation, chance, projects[0])];
  for (const projectId of projects) templates.push(aTemplate(simulation, chance, projectId));
  return { templates, runnerIds };
};

/** Makes one project that fills the pool for minutes, and others with an occasional task. */
const setUpContention = async (simulation: Simulation, chance: Chance): Promise<Workload> => {
  const plan = (): RunnerPlan => {
    const { fleet: _, ...any } = aRunnerPlan(chance, true);
    return { ...any, kind: 'instance', maxParallelTasks: 1 };
  };
  const runnerIds: [RunnerId, ...RunnerId[]] = [await simulation.addRunner(undefined, plan())];
  if (chance.happens(0.5)) runnerIds.push(await simulation.addRunner(undefined, plan()));
  const aTemplateOf = () => simulation.addTemplate(simulation.newProject(), chance.between(2000, 20_000));
  const busy = aTemplateOf();
  const others: [Template, ...Template[]] = [aTemplateOf(), aTemplateOf()];
  const startAt = (ms: number, template: Template) =>
    void simulation.time.after(ms, () => void simulation.startTask(template));
  for (let left = chance.between(15, 30); left > 0; left--) startAt(chance.between(0, minuteMs), busy);
  for (let left = chance.between(4, 8); left > 0; left--)
    startAt(chance.between(0, 5 * minuteMs), chance.pick(others));
  return { templates: [busy, ...others], runnerIds };
};

const crowdSize = 8;

/** Makes a project in which each runner has a template of its own, and starts all templates at once. */
const addCrowd = async (
  simulation: Simulation,
  chance: Chance,
  troubleMs: number,
): Promise<{ readonly templates: readonly Template[]; readonly runnerIds: readonly RunnerId[] }> => {
  const projectId = simulation.newProject();
  const templates: Template[] = [];
  const runnerIds: RunnerId[] = [];
  for (let number = 0; number < crowdSize; number++) {
    const tag = `crowd-${number}`;
    const plan: RunnerPlan = { kind: 'instance', tags: [tag], maxParallelTasks: 1 };
    runnerIds.push(await simulation.addRunner(projectId, plan));
    templates.push(simulation.addTemplate(projectId, chance.between(200, 20_000), { tag }));
  }
  for (let left = chance.between(1, 6); left > 0; left--) {
    const atMs = chance.between(0, troubleMs - 2 * minuteMs);
    const withinMs = chance.pick([1, 100, 400, 2000]);
    for (const template of templates)
      simulation.time.after(atMs + chance.between(0, withinMs), () => void simulation.startTask(template));
  }
  return { templates, runnerIds };
};

/** Creates the initial resources, and schedules the later events. */
export const setUp = async (
  simulation: Simulation,
  chance: Chance,
  { isRough, troubleMs, contends, isCrowded }: WorkloadOptions,
): Promise<Workload> => {
  const made = await (contends ? setUpContention : setUpAnything)(simulation, chance);
  const { templates, runnerIds } = made;
  arrivals(simulation, chance, templates, troubleMs);
  untimelyArrivals(simulation, chance, templates, troubleMs);
  if (isRough) trouble(simulation, chance, runnerIds, templates, troubleMs);
  if (!isCrowded) return made;
  const crowd = await addCrowd(simulation, chance, troubleMs);
  return {
    templates: [...templates, ...crowd.templates],
    runnerIds: [...runnerIds, ...crowd.runnerIds],
  };
};
