/** Why a task waits, in a sentence that its user can act on. */
import { type Instant, msBetween, type Runner, type Task } from '../../protocol/index.ts';
import { canServe } from './choice.ts';
import { occupancy, room } from './slots.ts';

const list = (runners: readonly Runner[]): string => runners.map((runner) => runner.name).join(', ');

const nobody = (task: Pick<Task, 'tag'>): string =>
  task.tag === undefined
    ? 'This project has no untagged runner, and there is no global runner. Add one of the two.'
    : `No runner has tag ${task.tag} in this project. Add one, or change the tag of the template or its inventory.`;

const nobodyAble = (runners: readonly Runner[]): string => {
  const active = runners.filter((runner) => runner.active);
  const draining = active.filter((runner) => runner.drainRequestedAt !== undefined);
  if (draining.length > 0 && draining.length === active.length) {
    return `Every runner for this task is asked to drain (${list(draining)}). Resume one, or start its agent again.`;
  }
  const low = active.filter((runner) => runner.lowDisk !== undefined);
  if (low.length > 0 && low.length === active.length) {
    const rooms = low.map(
      ({ name, lowDisk }) => `${name}: ${lowDisk?.freeMiB} of ${lowDisk?.neededMiB} MiB free`,
    );
    return `The disk of every runner for this task is low (${rooms.join(', ')}). Make room in the working folder of one; if its instance sleeps, resume it then.`;
  }
  const quarantined = active.filter((runner) => runner.quarantinedAt !== undefined);
  if (quarantined.length > 0 && quarantined.length === active.length) {
    const whys = quarantined.map((runner) => `${runner.name}: ${runner.fault?.detail ?? 'it did not start'}`);
    return `No runner for this task could be started. ${whys.join(' ')} Then save the runner as active.`;
  }
  return active.length === 0
    ? `Every runner for this task is inactive (${list(runners)}). Activate one.`
    : `Every runner for this task is offline (${list(active)}). Start the agent of one.`;
};

const owedBy = (runner: Runner, now: Instant): string => {
  const machine = runner.instanceId ?? runner.name;
  const seconds = Math.max(0, Math.round(msBetween(runner.statusSince, now) / 1000));
  if (runner.fault) return `${runner.name} could not be woken: ${runner.fault.detail}`;
  switch (runner.status) {
    case 'starting':
      return `Starting ${machine}, ${seconds} s.`;
    case 'stopping':
      return `${machine} is stopping; it starts again for this task as soon as it has stopped.`;
    case 'stopped':
    case 'offline':
      return `${runner.name} is about to be woken.`;
    case 'online':
    case 'draining':
      return `${runner.name} is about to take it.`;
  }
};

/** Why none of the runners that a task's route names can take it; they are none, or cannot. */
export const whyNobody = (task: Pick<Task, 'tag'>, runners: readonly Runner[]): string =>
  runners.length === 0 ? nobody(task) : nobodyAble(runners);

/** `runners` are those that the task's route names. */
export const whyWaiting = (
  task: Pick<Task, 'id' | 'tag'>,
  runners: readonly Runner[],
  now: Instant,
): string => {
  const able = runners.filter(canServe);
  if (able.length === 0) return whyNobody(task, runners);
  const owing = runners.find((runner) => runner.demand.includes(task.id));
  if (owing && owing.status !== 'online') return owedBy(owing, now);
  const full = able.filter((runner) => room(runner) < 0 || runner.slots.length >= runner.maxParallelTasks);
  const limited = full.filter((runner) => runner.maxParallelTasks > 0);
  if (limited.length === able.length) {
    return `No free slot: ${able.map((runner) => `${runner.name} is at ${occupancy(runner)}`).join(', ')}.`;
  }
  return owing ? owedBy(owing, now) : 'About to be given to a runner.';
};

/** Why a task waits that a limit keeps from starting. `place` is its own in the line, from 1. */
export const whyLimited = (
  task: Pick<Task, 'templateName'>,
  { of, held, max, place }: { of: 'template' | 'project'; held: number; max: number; place: number },
): string => {
  const whose = of === 'template' ? `template ${task.templateName}` : 'this project';
  const tasks = max === 1 ? 'task' : 'tasks';
  const run = held === 1 ? 'runs or is about to' : 'run or are about to';
  const next = place <= 1 ? 'This one is next.' : `This one is number ${place} in line.`;
  return `${held} of ${max} ${tasks} of ${whose} ${run}. ${next} Wait, or raise maxParallelTasks of the ${of}.`;
};
