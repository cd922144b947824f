/** Places of a runner: the tasks that are assigned to it, and those that it runs. */
import type { Instant, ProjectId, RunnerStatus } from '../../../protocol/index.ts';
import { mostAssigned } from '../../core/runners/slots.ts';
import type { Condition } from '../expressions.ts';
import { type Beat, isAgent, isCurrent } from './runner-agents.ts';
import { type ChangeRunner, placeOf, type RunnerRef, statusChange, type TaskRef } from './runner-record.ts';

const hasRoom: Condition = [
  'any',
  ['=', 'maxParallelTasks', 0],
  ['missing', 'slots'],
  ['sizeBelow', 'slots', 'maxParallelTasks'],
];

const hasFreePlace: Condition = [
  'any',
  ['missing', 'places'],
  ['sizeBelow', 'places', 'maxParallelTasks'],
  ['all', ['=', 'maxParallelTasks', 0], ['missing', 'assigned']],
  ['all', ['=', 'maxParallelTasks', 0], ['sizeAtMost', 'assigned', mostAssigned - 1]],
];

const nobodyElse: Condition = ['any', ['missing', 'assigned'], ['sizeAtMost', 'assigned', 1]];

const without = (task: TaskRef) => ({ slots: new Set([task.id]), places: new Set([placeOf(task)]) });

export const runnerSlots = (change: ChangeRunner) => ({
  /**
   * Assigns a waiting task to the runner. Refused when the runner is inactive or kept from work, its status
   * is not `from`, or it has no free place.
   */
  assign: (ref: RunnerRef, task: TaskRef, from: RunnerStatus, to: RunnerStatus, now: Instant) =>
    change(
      ref,
      {
        add: { assigned: new Set([task.id]), places: new Set([placeOf(task)]) },
        set: from === to ? undefined : statusChange(ref, to, now),
      },
      [
        ['=', 'status', from],
        ['=', 'active', true],
        ['missing', 'quarantinedAt'],
        ['lacks', 'slots', task.id],
        ['any', ['contains', 'assigned', task.id], hasFreePlace],
      ],
    ),

  /** Takes an assigned task from the runner. Refused when it runs there. */
  unassign: (ref: RunnerRef, task: TaskRef) =>
    change(ref, { take: { assigned: new Set([task.id]), places: new Set([placeOf(task)]) } }, [
      ['lacks', 'slots', task.id],
    ]),

  /**
   * Gives the task a slot; `served` records whose turn it was. Refused unless the runner is online and
   * active, and has a free slot or the task's own; `isAlone`: also when other tasks are assigned to it.
   */
  takeSlot: (
    ref: RunnerRef,
    task: TaskRef,
    leaseUntil: Instant,
    { agentId, credentialVersion }: Pick<Beat, 'agentId' | 'credentialVersion'> = {},
    { served, isAlone = false }: { readonly served?: readonly ProjectId[]; readonly isAlone?: boolean } = {},
  ) =>
    change(
      ref,
      {
        add: { slots: new Set([task.id]), places: new Set([placeOf(task)]), claims: 1 },
        take: { assigned: new Set([task.id]) },
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
        ['any', ['contains', 'slots', task.id], hasRoom],
        ...(isAlone ? [nobodyElse] : []),
      ],
    ),

  /** Returns the slot of a task that the runner could not claim after all. */
  returnSlot: (ref: RunnerRef, task: TaskRef) => change(ref, { take: without(task) }, []),

  /** Frees a task's slot. Refused when it holds none, so that the time is counted once. */
  releaseSlot: (ref: RunnerRef, task: TaskRef, now: Instant, busyMs: number) =>
    change(ref, { take: without(task), add: { busyMs }, set: { idleSince: now } }, [
      ['contains', 'slots', task.id],
    ]),

  /**
   * Takes a task from a runner whose lease has expired. Refused when the lease was renewed since
   * `leaseUntil`.
   */
  revokeSlot: (ref: RunnerRef, task: TaskRef, now: Instant, leaseUntil: Instant | undefined) =>
    change(ref, { take: without(task), set: { idleSince: now } }, [
      ['contains', 'slots', task.id],
      leaseUntil === undefined ? ['missing', 'leaseUntil'] : ['=', 'leaseUntil', leaseUntil],
    ]),
});
