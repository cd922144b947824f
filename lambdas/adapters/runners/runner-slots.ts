/** What counts on a runner, and what it holds: demand and slots. */
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

/** With the 30 bytes of each, three quarters of what an item may have: a runner always has room to change its state and to take tasks. */
const mostDemand = 10_000;

export const runnerSlots = (change: ChangeRunner) => ({
  /**
   * Makes a waiting task count on it. Refused when its status is no longer `from`, or it was made inactive, or as many count on it
   * as it may name: the reconciler tries again.
   */
  raiseDemand: (ref: RunnerRef, taskId: TaskId, from: RunnerStatus, to: RunnerStatus, now: Instant) =>
    change(
      ref,
      {
        add: { demand: new Set([taskId]) },
        ...(from !== to && { set: statusChange(ref, to, now) }),
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

  /** The task no longer counts on it. */
  dropDemand: (ref: RunnerRef, taskId: TaskId) => change(ref, { take: { demand: new Set([taskId]) } }, []),

  /** Gives the task one of its slots; `served` notes whose turn it was. Refused unless it is online, active, and has a free one (or it is the task's already). */
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

  /** Gives back a slot that was taken for a task which turned out to be nobody's: as if it had not been taken. */
  returnSlot: (ref: RunnerRef, taskId: TaskId) => change(ref, { take: { slots: new Set([taskId]) } }, []),

  /** Frees a task's slot. Refused when it holds none, so that the time is counted once. */
  releaseSlot: (ref: RunnerRef, taskId: TaskId, now: Instant, busyMs: number) =>
    change(ref, { take: { slots: new Set([taskId]) }, add: { busyMs }, set: { idleSince: now } }, [
      ['contains', 'slots', taskId],
    ]),

  /** Takes a task from a runner that no longer renews its lease. Refused when it has renewed since `leaseUntil`. */
  revokeSlot: (ref: RunnerRef, taskId: TaskId, now: Instant, leaseUntil: Instant | undefined) =>
    change(ref, { take: { slots: new Set([taskId]) }, set: { idleSince: now } }, [
      ['contains', 'slots', taskId],
      leaseUntil === undefined ? ['missing', 'leaseUntil'] : ['=', 'leaseUntil', leaseUntil],
    ]),
});
