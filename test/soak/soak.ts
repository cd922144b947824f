/** One soak: work and faults, then only work, until all is quiet. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { FaultRule } from '../../local/gateway/faults.ts';
import { hasEnded, type ProjectId, type Task, type TaskId, task } from '../../protocol/index.ts';
import { until } from '../client.ts';
import { seededChance } from '../simulation/chance.ts';
import { type Fixture, openFixture } from './fixture.ts';
import { describeRun } from './report.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly tasks: number;
  readonly faults: number;
  readonly killSeconds: number;
  readonly reconcileSeconds: number;
  readonly seed: number;
}

/** Time for several leases, reconciliations, boots and queues of tasks. */
const settleMs = 300_000;

const rulesOf = (share: number): FaultRule[] => [
  { kind: 'error', probability: share * 0.4 },
  { kind: 'dropped', probability: share * 0.2 },
  { kind: 'duplicate', probability: share * 0.2 },
  { kind: 'delay', probability: share * 0.2, delayMs: 700 },
];

const ended = ({ status }: Task): boolean => hasEnded(status);
const tasksPage = z.object({ items: z.array(task), nextCursor: z.string().optional() });

const listTasks = async ({ api, projects }: Fixture): Promise<Task[]> => {
  const all: Task[] = [];
  const read = async (projectId: ProjectId, cursor?: string): Promise<void> => {
    const query = `limit=100${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const page = tasksPage.parse(await api.call('GET', `/api/projects/${projectId}/tasks?${query}`));
    all.push(...page.items);
    if (page.nextCursor !== undefined) await read(projectId, page.nextCursor);
  };
  for (const projectId of projects) await read(projectId);
  return all;
};

/** Lists processes whose command line or environment contains the folder: agents and their children. */
const processesIn = (folder: string): string[] => {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return ['cmdline', 'environ'].some((file) =>
        readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(folder),
      );
    } catch {
      return false;
    }
  });
};

export const soak = async (options: SoakOptions) => {
  const { random } = seededChance(options.seed);
  const lines: string[] = [];
  const repairs: Record<string, number> = {};
  const kills: Record<string, number> = {};
  const startedAtMs = Date.now();
  const note = (line: string) => lines.push(`${((Date.now() - startedAtMs) / 1000).toFixed(1)} s ${line}`);
  const fixture = await openFixture(random, (source, line) => {
    note(`${source}: ${line}`);
    const repair = /"Repaired: (\w+)"/.exec(line)?.[1];
    if (repair) repairs[repair] = (repairs[repair] ?? 0) + 1;
  });
  const { stack, api, work, locks, folder } = fixture;
  const violations: string[] = [];
  const violate = (what: string, about: string) => {
    const story = lines.filter((line) => line.includes(about)).slice(-40);
    violations.push(`${what}\n  ${story.join('\n  ')}`);
  };
  const accepted = new Set<TaskId>();
  const ends = new Map<TaskId, string>();
  let refused = 0;

  const feed = async (): Promise<void> => {
    const gapMs = (options.minutes * 60_000) / Math.max(1, options.tasks);
    for (let made = 0; made < options.tasks; made += 1) {
      const dueMs = feedingSinceMs + made * gapMs;
      await sleep(Math.max(0, dueMs - Date.now()));
      const { projectId, templateId } = work[Math.floor(random() * work.length)] ?? {
        projectId: 'prj_',
        templateId: '',
      };
      await api.startTask(projectId, templateId).then(
        ({ id }) => accepted.add(id),
        // The task may have been accepted all the same: then the list has it.
        () => {
          refused += 1;
        },
      );
    }
  };

  let isBreaking = true;
  const breakThings = async (): Promise<void> => {
    while (isBreaking && options.killSeconds > 0) {
      await sleep(options.killSeconds * 2000 * random());
      if (!isBreaking) return;
      if (random() < 0.5) {
        const running = stack.ec2.list().filter(({ state }) => state === 'running');
        const victim = running[Math.floor(random() * running.length)];
        if (victim && stack.ec2.killAgent(victim.id)) {
          kills.agent = (kills.agent ?? 0) + 1;
          note(`kill -9 of the agent on ${victim.id}`);
        }
      } else {
        const label = stack.killFunctionWorker();
        if (label) {
          kills[`worker of ${label}`] = (kills[`worker of ${label}`] ?? 0) + 1;
          note(`kill -9 of a worker of ${label}`);
        }
      }
    }
  };

  let isWatching = true;
  /** Records the ended tasks: an end is final. */
  const look = (tasks: readonly Task[]) => {
    for (const one of tasks) {
      const before = ends.get(one.id);
      const now = ended(one) ? `${one.status}, attempt ${one.attempt}` : undefined;
      if (before !== undefined && now !== before) violate(`${one.id} ended twice: ${before}; ${now}`, one.id);
      if (now !== undefined) ends.set(one.id, now);
    }
  };
  const watch = async (): Promise<void> => {
    while (isWatching) {
      // The API itself fails under faults; only its answers count.
      look(await listTasks(fixture).catch(() => []));
      await sleep(2000);
    }
  };
  const reconcile = async (): Promise<void> => {
    while (isWatching && options.reconcileSeconds > 0) {
      await sleep(options.reconcileSeconds * 1000);
      if (isWatching) await stack.invoke('Reconcile', {}).catch(() => undefined);
    }
  };

  stack.faults.set(rulesOf(options.faults));
  const feedingSinceMs = Date.now();
  const background = [breakThings(), watch(), reconcile()];
  await feed();
  isBreaking = false;
  stack.faults.set([]);
  note('the faults have ceased');

  const quietSinceMs = Date.now();
  const inTime = (what: string, probe: () => Promise<boolean> | boolean) =>
    until(what, Math.max(1000, quietSinceMs + settleMs - Date.now()), probe).catch(() => undefined);
  await inTime('all tasks have ended', async () => (await listTasks(fixture)).every(ended));
  await inTime('all instances have stopped', () =>
    stack.ec2.list().every(({ state }) => state === 'stopped'),
  );
  await inTime('all runners are quiet', async () =>
    (await fixture.runners()).every(({ slots, assigned }) => slots.length + assigned.length === 0),
  );
  const settledMs = Date.now() - quietSinceMs;
  isWatching = false;
  const tasks = await listTasks(fixture);
  look(tasks);
  for (const one of tasks)
    if (!ended(one)) violate(`${one.id} is still ${one.status}: ${one.reason}`, one.id);
  for (const id of accepted) if (!tasks.some((one) => one.id === id)) violate(`${id} was lost`, id);
  for (const { id, state } of stack.ec2.list())
    if (state !== 'stopped') violate(`${id} is still ${state}`, id);
  for (const { id, slots, assigned } of await fixture.runners()) {
    const left = [...slots, ...assigned];
    if (left.length > 0) violate(`${id} still has slots or assigned tasks: ${left.join(', ')}`, id);
  }
  const doubles = join(locks, 'doubles');
  for (const id of existsSync(doubles) ? readFileSync(doubles, 'utf8').trim().split('\n') : []) {
    violate(`${id} ran twice at once`, id);
  }
  const counts = stack.faults.counts();
  await stack.stop();
  await Promise.all(background);
  const left = processesIn(folder);
  if (left.length > 0) violations.push(`Processes are left: ${left.join(', ')}`);
  const report = describeRun({ options, tasks, refused, counts, kills, repairs, settledMs });
  if (violations.length === 0) fixture.remove();
  else violations.push(`The stack's data is kept in ${folder}`);
  return { report, violations };
};
