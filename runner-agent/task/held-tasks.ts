/** The tasks that this agent holds or is claiming; each takes one slot. */
import type { ProjectId, TaskId } from '../../protocol/ids.ts';
import { type Changes, createChanges } from '../changes.ts';
import type { Timing } from '../timing.ts';

/** Why a task ends before its program does. `lost` outranks the others: nothing is reported. */
export type EndCause = 'stopped' | 'handed_back' | 'shutdown' | 'lost';

export interface HeldTask {
  readonly projectId: ProjectId;
  readonly taskId: TaskId;
  /** Undefined while it is being claimed. */
  attempt(): number | undefined;
  lease(): string;
  /** The claim is on its way, and may have given it to us. */
  askFor(): void;
  isAskedFor(): boolean;
  /** The claim succeeded; `ageMs` ago it was asked for. */
  grant(attempt: number, lease: string, ageMs: number): void;
  /** A heartbeat that was sent `ageMs` ago brought a new lease. */
  renew(lease: string, ageMs: number): void;
  /** Its template has it ended when the runner drains, to run elsewhere. */
  allowHandBack(): void;
  mayHandBack(): boolean;
  /** A person let it go on after its confirm step, or not; only the first word counts. */
  decide(confirmed: boolean): void;
  readonly decision: Promise<boolean>;
  /** Its program has ended: without a renewal it stays ours until the API says otherwise. */
  settle(): void;
  end(cause: EndCause): void;
  cause(): EndCause | undefined;
  /** Aborts with the first `end`. */
  readonly ended: AbortSignal;
  /** Aborts when the task is no longer this agent's. */
  readonly lost: AbortSignal;
}

export interface HeldTasks {
  readonly changes: Changes;
  size(): number;
  /** When a task that had been claimed last freed its slot (epoch ms). */
  lastFinishedAt(): number | undefined;
  get(taskId: TaskId): HeldTask | undefined;
  list(): HeldTask[];
  /** Takes a slot. */
  add(projectId: ProjectId, taskId: TaskId): HeldTask;
  /** The slot of one that is being claimed becomes another task's, which was given in its place. */
  exchange(task: HeldTask, projectId: ProjectId, taskId: TaskId): HeldTask;
  /** Ends those whose template has them handed back when the runner drains. */
  handBack(): void;
  /** Frees the slot. */
  remove(task: HeldTask): void;
}

export interface HeldTasksOptions {
  /** Without a renewal for this long, a task is no longer ours. */
  leaseMs: number;
  onLapse(task: HeldTask): void;
  timing: Pick<Timing, 'now' | 'after'>;
}

const createHeldTask = (
  projectId: ProjectId,
  taskId: TaskId,
  { leaseMs, onLapse, timing }: HeldTasksOptions,
): HeldTask & { release(): void } => {
  const ended = new AbortController();
  const lost = new AbortController();
  let attempt: number | undefined;
  let lease = '';
  let handsBack = false;
  let isAskedFor = false;
  let isSettled = false;
  let cause: EndCause | undefined;
  let callOffLapse = () => {};
  const decision = Promise.withResolvers<boolean>();

  const renew = (newLease: string, ageMs: number) => {
    lease = newLease;
    callOffLapse();
    if (isSettled) return;
    callOffLapse = timing.after(leaseMs - ageMs, () => {
      onLapse(task);
      task.end('lost');
    });
  };

  const task = {
    projectId,
    taskId,
    attempt: () => attempt,
    lease: () => lease,
    askFor: () => {
      isAskedFor = true;
    },
    isAskedFor: () => isAskedFor,
    grant: (granted: number, newLease: string, ageMs: number) => {
      attempt = granted;
      renew(newLease, ageMs);
    },
    renew,
    allowHandBack: () => {
      handsBack = true;
    },
    settle: () => {
      isSettled = true;
      callOffLapse();
    },
    mayHandBack: () => handsBack,
    decide: decision.resolve,
    decision: decision.promise,
    end: (why: EndCause) => {
      if (cause === undefined || why === 'lost') cause = why;
      if (why === 'lost') {
        callOffLapse();
        lost.abort();
      }
      ended.abort();
    },
    cause: () => cause,
    ended: ended.signal,
    lost: lost.signal,
    release: () => callOffLapse(),
  };
  return task;
};

export const createHeldTasks = (options: HeldTasksOptions): HeldTasks => {
  const tasks = new Map<TaskId, ReturnType<typeof createHeldTask>>();
  /** Being claimed still, while the task that rang for them was given to another claim. */
  const displaced = new Set<HeldTask>();
  const changes = createChanges();
  let lastFinishedAt: number | undefined;
  return {
    changes,
    size: () => tasks.size + displaced.size,
    lastFinishedAt: () => lastFinishedAt,
    get: (taskId) => tasks.get(taskId),
    list: () => [...tasks.values(), ...displaced],
    add: (projectId, taskId) => {
      const task = createHeldTask(projectId, taskId, options);
      tasks.set(taskId, task);
      changes.announce();
      return task;
    },
    exchange: (task, projectId, taskId) => {
      if (task.taskId === taskId && tasks.get(taskId) === task) return task;
      if (tasks.get(task.taskId) === task) tasks.delete(task.taskId);
      displaced.delete(task);
      const claiming = tasks.get(taskId);
      if (claiming) displaced.add(claiming);
      const other = createHeldTask(projectId, taskId, options);
      tasks.set(taskId, other);
      changes.announce();
      return other;
    },
    handBack: () => {
      for (const task of tasks.values()) if (task.mayHandBack()) task.end('handed_back');
    },
    remove: (task) => {
      if (displaced.delete(task)) return changes.announce();
      const held = tasks.get(task.taskId);
      if (held !== task) return;
      held.release();
      tasks.delete(task.taskId);
      if (task.attempt() !== undefined) lastFinishedAt = options.timing.now();
      changes.announce();
    },
  };
};
