/** Follows a task from now to its end: its growing log and its events. */
import type { LogEntry, LogPage } from '../protocol/log.ts';
import { hasEnded, type Task } from '../protocol/task.ts';
import type { Api } from './api.ts';
import { isPassing, messageOf } from './errors.ts';
import type { Terminal } from './terminal.ts';

export interface FollowOptions {
  readonly api: Pick<Api, 'task' | 'log'>;
  readonly task: Pick<Task, 'id' | 'projectId'>;
  readonly terminal: Pick<Terminal, 'now' | 'sleep'>;
  readonly print: (entries: readonly LogEntry[]) => Promise<void>;
  /** Reports an event of the task in a sentence. */
  readonly say: (text: string) => Promise<void>;
  /** Aborts when the user stops watching. */
  readonly signal: AbortSignal;
}

/** Poll intervals: while the task is active, and while it waits or has been silent for long. */
const pollMs = { lively: 1000, quiet: 3000 };
const lastingQuietMs = 60_000;
/** Maximum outage of the control plane before the follower gives up. The task continues without it. */
const patienceMs = 300_000;
/** Maximum wait for the complete log of an ended task. */
const endOfLogMs = 30_000;
const longestBackoffMs = 15_000;

/** Describes a task that has not ended; undefined while its log says enough. */
const whatHappens = ({ status, reason }: Task): string | undefined => {
  switch (status) {
    case 'waiting':
      return reason ?? 'It waits.';
    case 'starting':
      return 'A runner has it.';
    case 'waiting_confirmation':
      return 'It waits to be confirmed: reveille task confirm, or reject.';
    case 'stopping':
      return 'It is being stopped.';
    default:
      return undefined;
  }
};

/** Removes the seconds of a starting task: their change is no news. */
const newsOf = (text: string): string => text.replace(/\d+ s\b/, '');

/**
 * Resolves with the ended task, or with undefined after an abort. Rejects with an error that no retry can
 * mend.
 */
export const followTask = async (options: FollowOptions): Promise<Task | undefined> => {
  const { api, task, terminal, print, say, signal } = options;
  let attempt: number | undefined;
  let offset = 0;
  let told: string | undefined;
  let lastChangeMs = terminal.now();
  let troubleSinceMs: number | undefined;
  let failures = 0;
  let endedAtMs: number | undefined;

  /** Prints the rest of one attempt's log so far. */
  const drainLog = async (of: number): Promise<LogPage> => {
    for (;;) {
      const page = await api.log(task.projectId, task.id, { attempt: of, offset });
      if (page.entries.length > 0) {
        lastChangeMs = terminal.now();
        await print(page.entries);
      }
      const isAtEnd = page.nextOffset === offset || page.complete;
      offset = page.nextOffset;
      if (isAtEnd || signal.aborted) return page;
    }
  };

  const look = async (): Promise<Task | undefined> => {
    const now = await api.task(task.projectId, task.id);
    attempt ??= now.attempt;
    if (now.attempt > attempt) {
      await drainLog(attempt);
      await say(`Attempt ${now.attempt}${now.reason ? `: ${now.reason}` : ''}`);
      attempt = now.attempt;
      offset = 0;
    }
    const happens = whatHappens(now);
    if (happens !== undefined && newsOf(happens) !== told) {
      told = newsOf(happens);
      lastChangeMs = terminal.now();
      await say(happens);
    }
    if (now.status === 'waiting') return undefined;
    const { complete } = await drainLog(attempt);
    if (!hasEnded(now.status)) return undefined;
    endedAtMs ??= terminal.now();
    return complete || terminal.now() - endedAtMs > endOfLogMs ? now : undefined;
  };

  while (!signal.aborted) {
    let waitMs = terminal.now() - lastChangeMs > lastingQuietMs ? pollMs.quiet : pollMs.lively;
    try {
      const ended = await look();
      if (ended) return ended;
      troubleSinceMs = undefined;
      failures = 0;
    } catch (error) {
      troubleSinceMs ??= terminal.now();
      if (!isPassing(error) || terminal.now() - troubleSinceMs > patienceMs) throw error;
      if (failures === 0) await say(`${messageOf(error)} Asking again.`);
      failures += 1;
      waitMs = Math.min(longestBackoffMs, pollMs.lively * 2 ** failures);
    }
    await terminal.sleep(waitMs, signal);
  }
  return undefined;
};
