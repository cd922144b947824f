/** A task from now to its end: its log as it grows, and what becomes of it. */
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
  /** What happens to the task, in a sentence. */
  readonly say: (text: string) => Promise<void>;
  /** Nobody looks any more. */
  readonly signal: AbortSignal;
}

/** While something happens, and while the task waits or is silent for long. */
const pollMs = { lively: 1000, quiet: 3000 };
const lastingQuietMs = 60_000;
/** As long as the control plane may be away before this gives up. The task goes on without anybody looking. */
const patienceMs = 300_000;
/** The log of a task that has ended is whole within this, or never. */
const endOfLogMs = 30_000;
const longestBackoffMs = 15_000;

/** What there is to say of a task that has not ended; undefined while its log speaks for it. */
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

/** The seconds of a start that goes on are no news. */
const newsOf = (text: string): string => text.replace(/\d+ s\b/, '');

/** Resolves with the task as it ended; with undefined when the signal aborted. Rejects with what asking again cannot mend. */
export const followTask = async (options: FollowOptions): Promise<Task | undefined> => {
  const { api, task, terminal, print, say, signal } = options;
  let attempt: number | undefined;
  let offset = 0;
  let told: string | undefined;
  let lastChangeMs = terminal.now();
  let troubleSinceMs: number | undefined;
  let failures = 0;
  let endedAtMs: number | undefined;

  /** Whatever there is by now of one attempt's log. */
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
