/** Reason why a task waits, in a sentence that its user can act on. */
import { type Instant, msBetween, type Runner, type Task } from '../../../protocol/index.ts';
import { load, occupancy, room } from '../runners/slots.ts';
import { canServe, type Obstacle, obstacleTo } from './select-runner.ts';

/** Maximum names in a sentence: a tag may have a thousand runners. */
const namesShown = 5;
const shorten = (names: readonly string[], separator: string): string =>
  names.length <= namesShown
    ? names.join(separator)
    : `${names.slice(0, namesShown).join(separator)} and ${names.length - namesShown} more`;
const list = (runners: readonly Runner[]): string =>
  shorten(
    runners.map((runner) => runner.name),
    ', ',
  );

const nobody = (task: Pick<Task, 'tag'>): string =>
  task.tag === undefined
    ? 'This project has no active untagged runner, and there is no global runner. Add one of the two.'
    : `No runner has tag ${task.tag} in this project. Add one, or change the tag of the template or its inventory.`;

const diskOf = ({ lowDisk }: Runner): string =>
  lowDisk ? `${lowDisk.freeMiB} of ${lowDisk.neededMiB} MiB free` : 'no room';
const faultOf = ({ fault }: Runner): string => fault?.detail ?? 'It did not start.';

/** Texts for runners that all have the same obstacle. */
const everyRunner: Readonly<Record<Obstacle, (runners: readonly Runner[]) => string>> = {
  inactive: (runners) => `Every runner for this task is inactive (${list(runners)}). Activate one.`,
  quarantined: (runners) => {
    const whys = runners.map((runner) => `${runner.name}: ${faultOf(runner)}`);
    return `No runner for this task could be started. ${shorten(whys, ' ')} Then save the runner as active.`;
  },
  low_disk: (runners) => {
    const rooms = runners.map((runner) => `${runner.name}: ${diskOf(runner)}`);
    return `The disk of every runner for this task is low (${shorten(rooms, ', ')}). Make room in the working folder of one; if its instance sleeps, resume it then.`;
  },
  drain_asked: (runners) =>
    `Every runner for this task is asked to drain (${list(runners)}). Resume one, or start its agent again.`,
  drain_announced: (runners) =>
    `The agent of every runner for this task is shutting down (${list(runners)}). The task waits until one is back.`,
  offline: (runners) => `Every runner for this task is offline (${list(runners)}). Start the agent of one.`,
};

/** Texts for one of several runners with different obstacles. */
const thisRunner: Readonly<Record<Obstacle, (runner: Runner) => string>> = {
  inactive: () => 'is inactive: activate it',
  quarantined: (runner) => `could not be started (${faultOf(runner)}): save it as active then`,
  low_disk: (runner) => `has a low disk (${diskOf(runner)}): make room`,
  drain_asked: () => 'is asked to drain: resume it',
  drain_announced: () => 'has an agent that is shutting down: start that again',
  offline: () => 'is offline: start its agent',
};

const nobodyAble = (runners: readonly Runner[]): string => {
  const hindered = runners.flatMap((runner) => {
    const obstacle = obstacleTo(runner);
    return obstacle === undefined ? [] : [{ runner, obstacle }];
  });
  const [first] = hindered;
  if (first && hindered.every(({ obstacle }) => obstacle === first.obstacle)) {
    return everyRunner[first.obstacle](hindered.map(({ runner }) => runner));
  }
  const each = hindered.map(({ runner, obstacle }) => `${runner.name} ${thisRunner[obstacle](runner)}`);
  return `No runner for this task can take it. ${shorten(each, '; ')}.`;
};

const whyNoQueue = (from: Instant): string =>
  `The queue of its tag was removed a moment ago, and SQS refuses the name until ${from.slice(11, 19)} UTC. The task starts within a minute after that.`;

/** Its maximum was lowered, or another task of the queue came first. */
const whyBehind = (runner: Runner): string =>
  `${runner.name} is at ${occupancy(runner)}. The first runner with a free slot takes this task.`;

const ahead = (count: number | undefined): string => {
  if (count === undefined) return '.';
  if (count === 0) return '; this one is next.';
  if (count > mostAhead) return `; more than ${mostAhead} tasks are ahead.`;
  return count === 1 ? '; 1 task is ahead.' : `; ${count} tasks are ahead.`;
};

/** A slot counts as taken from the assignment on. */
const whyInLine = (able: readonly Runner[], count: number | undefined): string => {
  const [unlimited] = able.filter(({ maxParallelTasks }) => maxParallelTasks === 0);
  if (unlimited)
    return `${unlimited.name} has ${unlimited.assigned.length} tasks to start first${ahead(count)}`;
  const total = able.reduce((sum, { maxParallelTasks }) => sum + maxParallelTasks, 0);
  const taken = able.reduce((sum, runner) => sum + load(runner), 0);
  const slots = total === 1 ? 'slot' : 'slots';
  const are = taken === 1 ? 'is' : 'are';
  return `${taken} of ${total} ${slots} of ${list(able)} ${are} taken${ahead(count)}`;
};

const whyAssignedWaits = (runner: Runner, now: Instant): string => {
  const machine = runner.instanceId ?? runner.name;
  const seconds = Math.max(0, Math.round(msBetween(runner.statusSince, now) / 1000));
  if (runner.fault) return `${runner.name} could not be woken: ${runner.fault.detail}`;
  const queue = runner.queuesFrom && whyNoQueue(runner.queuesFrom);
  switch (runner.status) {
    case 'starting':
      return [`Starting ${machine}, ${seconds} s.`, queue].filter(Boolean).join(' ');
    case 'stopping':
      return `${machine} is stopping; it starts again for this task as soon as it has stopped.`;
    case 'stopped':
    case 'offline':
      return `${runner.name} is about to be woken.`;
    case 'online':
    case 'draining':
      return queue ?? (room(runner) < 0 ? whyBehind(runner) : `${runner.name} is about to take it.`);
  }
};

/** Explains why none of the routed runners can take a task: there is none, or each has an obstacle. */
export const whyNobody = (task: Pick<Task, 'tag'>, runners: readonly Runner[]): string =>
  runners.length === 0 ? nobody(task) : nobodyAble(runners);

/** Maximum number of tasks ahead of one that is counted. */
export const mostAhead = 100;

/**
 * Counts the tasks ahead of one, by the first `mostAhead + 1` tasks of its line. One more than `mostAhead`
 * when it is not among these; undefined when it is not in the line.
 */
export const tasksAhead = (front: readonly Pick<Task, 'id'>[], id: Task['id']): number | undefined => {
  const place = front.findIndex((task) => task.id === id);
  if (place >= 0) return place;
  return front.length > mostAhead ? mostAhead + 1 : undefined;
};

/**
 * Explains a wait. `runners` are those of the task's route; `aheadOfIt` the number of tasks before it in the
 * line of its queue, if it was counted (`tasksAhead`).
 */
export const whyWaiting = (
  task: Pick<Task, 'id' | 'tag'>,
  runners: readonly Runner[],
  now: Instant,
  aheadOfIt?: number,
): string => {
  const able = runners.filter(canServe);
  if (able.length === 0) return whyNobody(task, runners);
  const assignee = able.find((runner) => runner.assigned.includes(task.id));
  if (assignee && assignee.status !== 'online') return whyAssignedWaits(assignee, now);
  if (!assignee && able.every((runner) => room(runner) <= 0)) return whyInLine(able, aheadOfIt);
  return assignee ? whyAssignedWaits(assignee, now) : 'About to be given to a runner.';
};

/**
 * Explains why a limit keeps a task waiting. `aheadOfIt`: number of tasks before it in the line of the
 * limit, if it was counted (`tasksAhead`).
 */
export const whyLimited = (
  task: Pick<Task, 'templateName'>,
  { of, held, max }: { of: 'template' | 'project'; held: number; max: number },
  aheadOfIt?: number,
): string => {
  const whose = of === 'template' ? `template ${task.templateName}` : 'this project';
  const tasks = max === 1 ? 'task' : 'tasks';
  const run = held === 1 ? 'runs or is about to' : 'run or are about to';
  return `${held} of ${max} ${tasks} of ${whose} ${run}${ahead(aheadOfIt)} Wait, or raise maxParallelTasks of the ${of}.`;
};
