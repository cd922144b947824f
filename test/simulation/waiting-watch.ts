/**
 * Compares the reasons of waiting tasks with the simulated truth: the raw items, EC2, the agents and the
 * requested drains. Uses no code that writes the reasons.
 */
import type { Item } from '../../lambdas/adapters/table.ts';
import { epochMs } from '../../protocol/index.ts';
import type { VirtualTime } from './virtual-time.ts';

interface Options {
  readonly time: VirtualTime;
  readonly violate: (what: string) => void;
  readonly runners: () => Iterable<Item>;
  readonly limits: () => Iterable<Item>;
  readonly hasQueue: (name: string) => boolean;
  /**
   * Time since when the runner's agent is online; undefined while it is not, and once it was asked to end.
   */
  readonly onlineSinceMs: (runnerId: string) => number | undefined;
  /** Maximum time for which a task may be about to be assigned, claimed or woken for. */
  readonly aboutMs: number;
  /** Maximum delay until the control plane gets a message from a newly started agent. */
  readonly hearingMs: number;
}

type Named = (runner: Item) => boolean;

const sizeOf = (value: unknown): number => (value instanceof Set ? value.size : 0);
const held = (runner: Item) => sizeOf(runner.slots);
const load = (runner: Item) => held(runner) + sizeOf(runner.assigned);
/** Maximum tasks that wait for a runner without a limit (docs/using/runners.md). */
const mostAssigned = 50;
const limitOf = ({ maxParallelTasks }: Item) =>
  maxParallelTasks === 0 ? Number.POSITIVE_INFINITY : Number(maxParallelTasks);
const hasTag = ({ tags }: Item, tag: unknown): boolean =>
  Array.isArray(tags) && (tag === undefined ? tags.length === 0 : tags.includes(tag));
/** Names of the queues that a runner polls. */
const queuesOf = ({ projectId, tags }: Item): string[] => {
  if (typeof projectId !== 'string') return ['global'];
  return Array.isArray(tags) && tags.length > 0 ? tags.map((tag) => `${projectId}-${tag}`) : [projectId];
};
const waitOf = ({ id, attempt }: Item) => `${String(id)} ${String(attempt)}`;
const isUp = ({ status }: Item) => status === 'online' || status === 'draining';
const isAsleep = ({ status }: Item) => status === 'stopped' || status === 'offline';

/**
 * Runners that may run a task, by docs/using/runners.md: those with its tag in its project. For a task
 * without a tag, the global pool only if no runner of the project is active.
 */
export const servesOf = (task: Item, all: readonly Item[]): Item[] => {
  const own = all.filter((runner) => runner.projectId === task.projectId && hasTag(runner, task.tag));
  const isOwn = task.tag !== undefined || own.some(({ active }) => active === true);
  return isOwn ? own : all.filter(({ projectId }) => projectId === undefined);
};

const isOffline: Named = (runner) =>
  isAsleep(runner) && (runner.instanceId ?? runner.fleet ?? runner.webhookUrl) === undefined;

const noQueue = /The queue of its tag was removed a moment ago, and SQS refuses the name until/;

export const createWaitingWatch = (options: Options) => {
  const { time, violate } = options;
  /** Runners that a user asked to take no task, or EC2 through their instance. */
  const asked = new Set<string>();
  /** Runners that were asked so before: a function may carry out such a request late, after the next one. */
  const everAsked = new Set<string>();
  /** Untrue reasons that were already reported: many tasks may wait for the same one. */
  const told = new Set<string>();
  /** Time since when a task has been about to be assigned. */
  const aboutSinceMs = new Map<string, number>();

  const isLeaving: Named = ({ id }) => {
    const since = options.onlineSinceMs(String(id));
    return since === undefined || time.nowMs() - since < options.hearingMs;
  };
  const obstacles: readonly (readonly [phrase: RegExp, isSo: Named])[] = [
    [/inactive/, ({ active }) => active === false],
    [/asked to drain/, (runner) => isUp(runner) && asked.has(String(runner.id))],
    [/shutting down/, (runner) => isUp(runner) && isLeaving(runner)],
    [/disk/, (runner) => runner.lowDisk !== undefined],
    [/could be started|could not be started/, ({ quarantinedAt }) => quarantinedAt !== undefined],
    [/offline/, isOffline],
  ];

  /** Checks what a sentence states of one runner; undefined when it is true. */
  const untrueOf = (said: string, runner: Item): string | undefined => {
    const known = obstacles.find(([phrase]) => phrase.test(said));
    if (!known) return 'it says nothing that is known here';
    return known[1](runner) ? undefined : `it is not so of ${String(runner.id).slice(-4)}`;
  };

  const untrueOfAll = (reason: string, candidates: readonly Item[]): string | undefined => {
    const each = reason.startsWith('No runner for this task can take it. ') ? reason.split('; ') : [];
    for (const runner of candidates) {
      const about = each.length > 0 ? each.find((part) => part.includes(String(runner.name))) : reason;
      if (!about?.includes(String(runner.name))) {
        if (/ and \d+ more/.test(reason)) continue;
        return `it does not speak of ${String(runner.id).slice(-4)}`;
      }
      const untrue = untrueOf(about, runner);
      if (untrue) return untrue;
    }
    return candidates.length === 0 ? 'there is no such runner' : undefined;
  };

  const mayBeGiven: Named = (runner) =>
    runner.active === true &&
    runner.quarantinedAt === undefined &&
    runner.drainRequestedAt === undefined &&
    runner.drainAnnouncedAt === undefined &&
    runner.lowDisk === undefined &&
    !isOffline(runner);
  const canBeGiven: Named = (runner) => isUp(runner) && mayBeGiven(runner);

  /** True if the checked reason may hold only for a short time. */
  let isAboutTo = false;
  const isAbout = (task: Item): string | undefined => {
    isAboutTo = true;
    const since = aboutSinceMs.get(waitOf(task)) ?? time.nowMs();
    aboutSinceMs.set(waitOf(task), since);
    const forMs = time.nowMs() - since;
    return forMs > options.aboutMs ? `it says so for ${Math.round(forMs / 1000)} s` : undefined;
  };

  /**
   * The reconciler makes the queue within a minute after SQS accepts its name again, then corrects the
   * reason.
   */
  const isMissingQueue = (task: Item, assignee: Item | undefined): string | undefined => {
    if (!assignee) return 'no runner is assigned it';
    return queuesOf(assignee).every(options.hasQueue) ? isAbout(task) : undefined;
  };

  /** Explains why the reason is untrue; undefined when it is true. */
  const untrue = (task: Item, reason: string): string | undefined => {
    const all = [...options.runners()];
    const candidates = servesOf(task, all);
    const named = candidates.filter((runner) =>
      [runner.name, runner.instanceId].some((name) => name !== undefined && reason.includes(String(name))),
    );
    // Several runners if a function died between two writes: the reconciler removes the older assignment.
    const allAssigned = candidates.filter(({ assigned }) => assigned instanceof Set && assigned.has(task.id));
    const assignee = allAssigned.find((runner) => named.includes(runner)) ?? allAssigned[0];
    const assigneeIs = (status: string) =>
      assignee && named.includes(assignee) && assignee.status === status
        ? undefined
        : `no ${status} runner is assigned it`;
    const limited = /^(\d+) of (\d+) tasks? of/.exec(reason);
    if (limited) {
      const [, now, most] = limited.map(Number);
      const isSo = [...options.limits()].some(
        (limit) => sizeOf(limit.held) === now && limit.max === most && limit.pk === task.projectId,
      );
      return isSo ? undefined : 'no limit is like that';
    }
    if (/^No runner has tag|no active untagged runner/.test(reason))
      return candidates.length === 0 ? undefined : 'there is one';
    if (/^Starting /.test(reason)) {
      const seconds = Number(/, (\d+) s\./.exec(reason)?.[1]);
      const sinceMs = assignee ? time.nowMs() - epochMs(String(assignee.statusSince)) : 0;
      return (
        assigneeIs('starting') ??
        (Math.abs(sinceMs / 1000 - seconds) > 1 ? 'the time is wrong' : undefined) ??
        (noQueue.test(reason) ? isMissingQueue(task, assignee) : undefined)
      );
    }
    if (noQueue.test(reason)) return isMissingQueue(task, assignee);
    if (/is stopping; it starts again/.test(reason)) return assigneeIs('stopping');
    if (/The first runner with a free slot takes this task/.test(reason)) {
      const hasRoom: Named = (runner) => runner.fault === undefined && load(runner) < limitOf(runner);
      if (!assignee || !named.includes(assignee) || load(assignee) <= limitOf(assignee))
        return 'its runner is not full';
      return candidates.some((runner) => mayBeGiven(runner) && hasRoom(runner)) ? isAbout(task) : undefined;
    }
    if (/is about to be woken/.test(reason)) return isAbout(task);
    if (/is about to take it/.test(reason))
      return assignee && !canBeGiven(assignee) ? 'its runner takes no task' : isAbout(task);
    if (/About to be given/.test(reason)) return isAbout(task);
    if (/could not be woken: /.test(reason))
      return assignee?.fault === undefined || isUp(assignee) ? 'nothing is wrong with it' : undefined;
    if (/^\d+ of \d+ slots? of /.test(reason)) {
      if (assignee && mayBeGiven(assignee)) return 'it is assigned';
      const free = candidates.find((runner) => canBeGiven(runner) && load(runner) < limitOf(runner));
      return free && `${String(free.id).slice(-4)} holds ${load(free)} of ${limitOf(free)}`;
    }
    if (/ tasks to start first/.test(reason)) {
      if (assignee && mayBeGiven(assignee)) return 'it is assigned';
      const free = candidates.find((runner) => canBeGiven(runner) && sizeOf(runner.assigned) < mostAssigned);
      return free && `${String(free.id).slice(-4)} has ${sizeOf(free.assigned)}`;
    }
    return untrueOfAll(reason, candidates);
  };

  return {
    asked: (runnerId: string) => {
      asked.add(runnerId);
      everAsked.add(runnerId);
    },
    resumed: (runnerId: string) => void asked.delete(runnerId),
    /** Updates the requested drains. A start ends earlier ones, but none requested while it runs. */
    onRunnerWritten: (before: Item | undefined, after: Item) => {
      const isNew = before?.status !== after.status;
      if (isNew && (after.status === 'stopped' || after.status === 'starting'))
        asked.delete(String(after.id));
      const isDrained = before?.drainRequestedAt === undefined && after.drainRequestedAt !== undefined;
      if (isDrained && everAsked.has(String(after.id))) asked.add(String(after.id));
    },
    /** Checks the reason that the user of a waiting task reads at this moment. */
    check: (task: Item, reason: string) => {
      isAboutTo = false;
      const why = untrue(task, reason);
      if (!isAboutTo) aboutSinceMs.delete(waitOf(task));
      if (why === undefined || told.has(why)) return;
      told.add(why);
      violate(`task ${String(task.id).slice(-6)} gives an untrue reason (${why}): ${reason}`);
    },
  };
};
