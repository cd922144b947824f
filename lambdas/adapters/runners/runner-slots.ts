/** Demand and slots of a runner: tasks that it is assigned and tasks that it runs. */
import type { Instant, ProjectId, RunnerStatus, TaskId } from '../../../protocol/index.ts';
import type { Condition } from '../expressions.ts';
import { type Beat, isAgent, isCurrent } from './runner-agents.ts';
import { type ChangeRunner, type RunnerRef, statusChange } from './runner-record.ts';

const hasRoom: Condition = [
  'any',
  ['=', 'maxParallelTasks', 0],
  ['missing', 'slots'],
  ['sizeBelow', 'slots', 'maxParallelTasks'],
];

/**
 * Maximum demand. At 30 bytes each it takes three quarters of an item, so a runner can always change its
 * state and take tasks.
 */
const mostDemand = 10_000;

export const runnerSlots = (change: ChangeRunner) => ({
  /**
   * Adds a waiting task to the runner's demand. Refused when the runner is inactive, its status is not
   * `from`, or its demand is full: the reconciler tries again.
   */
  raiseDemand: (ref: RunnerRef, taskId: TaskId, from: RunnerStatus, to: RunnerStatus, now: Instant) =>
    change(
      ref,
      {
        add: { demand: new Set([taskId]) },
        set: from === to ? undefined : statusChange(ref, to, now),
      },
      [
        ['=', 'status', from],
        ['=', 'active', true],
        ['missing', 'quarantinedAt'],
        [
          'any',
          ['missing', 'demand'],
          ['contains', 'demand', taskId],
          ['sizeAtMost', 'demand', mostDemand - 1],
        ],
      ],
    ),

  /** Removes a task from the runner's demand. */
  dropDemand: (ref: RunnerRef, taskId: TaskId) => change(ref, { take: { demand: new Set([taskId]) } }, []),

  /**
   * Gives the task a slot; `served` records whose turn it was. Refused unless the runner is online and
   * active, and has a free slot or the task's own.
   */
  takeSlot: (
    ref: RunnerRef,
    taskId: TaskId,
    leaseUntil: Instant,
    { agentId, credentialVersion }: Pick<Beat, 'agentId' | 'credentialVersion'> = {},
    served?: readonly ProjectId[],
  ) =>
    change(
      ref,
      {
        add: { slots: new Set([taskId]), claims: 1 },
        take: { demand: new Set([taskId]) },
        set: { leaseUntil, ...(served && { served }) },
      },
      [
        ['=', 'status', 'online'],
        ['=', 'active', true],
        ['missing', 'drainRequestedAt'],
        ['missing', 'drainAnnouncedAt'],
        ['missing', 'lowDisk'],
        ...isAgent(agentId),
        isCurrent(credentialVersion),
        ['any', ['contains', 'slots', taskId], hasRoom],
      ],
    ),

  /** Returns the slot of a task that the runner could not claim after all. */
  returnSlot: (ref: RunnerRef, taskId: TaskId) => change(ref, { take: { slots: new Set([taskId]) } }, []),

  /** Frees a task's slot. Refused when it holds none, so that the time is counted once. */
  releaseSlot: (ref: RunnerRef, taskId: TaskId, now: Instant, busyMs: number) =>
    change(ref, { take: { slots: new Set([taskId]) }, add: { busyMs }, set: { idleSince: now } }, [
      ['contains', 'slots', taskId],
    ]),

  /**
   * Takes a task from a runner whose lease has expired. Refused when the lease was renewed since
   * `leaseUntil`.
   */
  revokeSlot: (ref: RunnerRef, taskId: TaskId, now: Instant, leaseUntil: Instant | undefined) =>
    change(ref, { take: { slots: new Set([taskId]) }, set: { idleSince: now } }, [
      ['contains', 'slots', taskId],
      leaseUntil === undefined ? ['missing', 'leaseUntil'] : ['=', 'leaseUntil', leaseUntil],
    ]),
});
