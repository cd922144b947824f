/** Tasks that this agent holds or is claiming. Each takes one slot. */
import type { ProjectId, TaskId } from '../../protocol/ids.ts';
import { type Changes, createChanges } from '../changes.ts';
import type { Timing } from '../timing.ts';

/** Reason why a task ends before its program does. `lost` outranks the others: nothing is reported. */
export type EndCause = 'stopped' | 'handed_back' | 'shutdown' | 'lost';

export interface HeldTask {
  readonly projectId: ProjectId;
  readonly taskId: TaskId;
  /** Undefined while the task is being claimed. */
  attempt(): number | undefined;
  lease(): string;
  /** Records that the claim was sent: the API may have assigned the task to us. */
  markClaimSent(): void;
  isClaimSent(): boolean;
  /** Records that the claim succeeded. It was sent `ageMs` ago. */
  grant(attempt: number, lease: string, ageMs: number): void;
  /** Records a new lease from a heartbeat that was sent `ageMs` ago. */
  renew(lease: string, ageMs: number): void;
  /** Allows a drain to end the task, so that it runs elsewhere, as its template asks. */
  allowHandBack(): void;
  mayHandBack(): boolean;
  /** Records whether a person confirmed the task's plan. Only the first decision counts. */
  decide(confirmed: boolean): void;
  readonly decision: Promise<boolean>;
  /**
   * Records that the program has ended: without a renewal the task stays ours until the API says otherwise.
   */
  settle(): void;
  /** Records that the API has accepted its end: it never waits again. */
  conclude(): void;
  isConcluded(): boolean;
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
  /** Time when a claimed task last freed its slot (epoch ms). */
  lastFinishedAt(): number | undefined;
  get(taskId: TaskId): HeldTask | undefined;
  list(): HeldTask[];
  /** Takes a slot. */
  add(projectId: ProjectId, taskId: TaskId): HeldTask;
  /** Gives the slot of a task that is being claimed to another task, which the API returned instead. */
  replace(task: HeldTask, projectId: ProjectId, taskId: TaskId): HeldTask;
  /** Ends the tasks whose templates have them handed back when the runner drains. */
  handBack(): void;
  /** Frees the slot. */
  remove(task: HeldTask): void;
  /** True for the last tasks that ended here, and so wait for nobody. */
  isDone(taskId: TaskId): boolean;
}

export interface HeldTasksOptions {
  /** Time without a renewal after which a task is no longer ours. */
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
  let isClaimSent = false;
  let isSettled = false;
  let isConcluded = false;
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
    markClaimSent: () => {
      isClaimSent = true;
    },
    isClaimSent: () => isClaimSent,
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
    conclude: () => {
      isConcluded = true;
    },
    isConcluded: () => isConcluded,
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

/** Maximum tasks whose end is remembered, for doorbells that come later. */
const mostRemembered = 100;

export const createHeldTasks = (options: HeldTasksOptions): HeldTasks => {
  const tasks = new Map<TaskId, ReturnType<typeof createHeldTask>>();
  /** Tasks that are still being claimed, while another claim was given the task of their doorbell. */
  const displaced = new Set<HeldTask>();
  const done = new Set<TaskId>();
  const changes = createChanges();
  let lastFinishedAt: number | undefined;
  const remember = (taskId: TaskId) => {
    done.add(taskId);
    for (const oldest of done) if (done.size > mostRemembered) done.delete(oldest);
  };
  return {
    changes,
    isDone: (taskId) => done.has(taskId),
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
    replace: (task, projectId, taskId) => {
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
      const current = tasks.get(task.taskId);
      if (current !== task) return;
      current.release();
      tasks.delete(task.taskId);
      if (task.attempt() !== undefined) lastFinishedAt = options.timing.now();
      if (task.isConcluded()) remember(task.taskId);
      changes.announce();
    },
  };
};
