/**
 * Checks that no runner goes to sleep over a task in its line. Who joins a line while the runner drains looks
 * at the runner afterwards, so only tasks that joined before the drain count.
 */
import type { Item, Key } from '../../lambdas/adapters/table.ts';
import { epochMs } from '../../protocol/index.ts';
import type { VirtualTime } from './virtual-time.ts';

interface Options {
  readonly time: VirtualTime;
  readonly violate: (what: string) => void;
  readonly task: (id: string) => Item | undefined;
  /** True while EC2 runs the runner's instance: nobody else has stopped it. */
  readonly isOn: (runner: Item) => boolean;
}

const linesOf = ({ projectId, tags }: Item): string[] => {
  if (typeof projectId !== 'string') return ['line#global'];
  return Array.isArray(tags) && tags.length > 0
    ? tags.map((tag) => `line#${projectId}-${tag}`)
    : [`line#${projectId}`];
};

const takesTasks = (runner: Item): boolean =>
  runner.active === true &&
  runner.quarantinedAt === undefined &&
  runner.drainRequestedAt === undefined &&
  runner.drainAnnouncedAt === undefined &&
  runner.lowDisk === undefined;

export const createLineWatch = ({ time, violate, task, isOn }: Options) => {
  /** Since when each runner has been able to take tasks. */
  const takesSinceMs = new Map<unknown, number>();
  /** Time at which each task joined, by its id, for each line. */
  const lines = new Map<string, Map<string, number>>();

  const waitsIn = (line: string, id: string): boolean => {
    const found = task(id);
    return (
      found?.status === 'waiting' &&
      found.runnerId === undefined &&
      line.startsWith(`line#${String(found.queue)}`) &&
      (found.limits === undefined || found.admitted === true)
    );
  };

  return {
    onLineWritten: ({ pk }: Key, before: Item | undefined, after: Item | undefined) => {
      const { id } = after ?? before ?? {};
      if (typeof id !== 'string') return;
      const line = lines.get(pk) ?? new Map();
      lines.set(pk, line);
      if (!after) line.delete(id);
      else if (!line.has(id)) line.set(id, time.nowMs());
    },
    onRunnerWritten: (before: Item | undefined, after: Item | undefined) => {
      if (!after) return;
      if (!takesTasks(after)) takesSinceMs.delete(after.id);
      else if (!takesSinceMs.has(after.id)) takesSinceMs.set(after.id, time.nowMs());
      const takesSince = takesSinceMs.get(after.id);
      if (before?.status !== 'draining' || after.status !== 'stopping' || !isOn(after)) return;
      const sinceMs = epochMs(String(before.statusSince));
      if (takesSince === undefined || takesSince > sinceMs) return;
      for (const line of linesOf(after)) {
        const parts = [...lines].filter(
          ([pk]) => pk === line || (line === 'line#global' && pk.startsWith(line)),
        );
        for (const [pk, joined] of parts) {
          const [id] = [...joined].find(([one, atMs]) => atMs < sinceMs && waitsIn(pk, one)) ?? [];
          if (id !== undefined)
            violate(
              `runner ${String(after.id).slice(-4)} goes to sleep over task ${id.slice(-6)} in its line`,
            );
        }
      }
    },
  };
};
