/** Builders for tests: a runner and a task with defaults, and fast-check arbitraries of both. */
import fc from 'fast-check';
import { ulid } from 'ulid';
import {
  addMs,
  type Instant,
  type Runner,
  runnerStatus,
  type Task,
  type TaskId,
} from '../../protocol/index.ts';

export const noon: Instant = '2026-01-01T12:00:00.000Z';

export const aProjectId = 'prj_01ARZ3NDEKTSV4RRFFQ69G5FAV' as const;

let made = 0;
const nextUlid = () => ulid(1_700_000_000_000 + made++);
export const aTaskId = (): TaskId => `tsk_${nextUlid()}`;

export const aRunner = (overrides: Partial<Runner> = {}): Runner => ({
  id: `run_${nextUlid()}`,
  projectId: aProjectId,
  name: 'sydney-1',
  tags: [],
  maxParallelTasks: 1,
  active: true,
  idleTimeoutMs: 60_000,
  instanceId: 'i-0123456789abcdef0',
  status: 'stopped',
  statusSince: noon,
  slots: [],
  assigned: [],
  publicKey: '',
  createdAt: noon,
  ...overrides,
});

export const aTask = (overrides: Partial<Task> = {}): Task => ({
  id: aTaskId(),
  projectId: aProjectId,
  templateId: `tpl_${nextUlid()}`,
  templateName: 'deploy',
  app: 'bash',
  status: 'waiting',
  attempt: 1,
  createdAt: noon,
  createdBy: 'test',
  ...overrides,
});

/** Generates runners of the project in any status, with any load. */
export const anyRunner = (): fc.Arbitrary<Runner> =>
  fc
    .record({
      tags: fc.uniqueArray(fc.constantFrom('sydney', 'new-york', 'tokyo'), { maxLength: 2 }),
      maxParallelTasks: fc.nat(4),
      active: fc.boolean(),
      idleTimeoutMs: fc.option(fc.nat(120_000), { nil: undefined }),
      status: fc.constantFrom(...runnerStatus.options),
      slots: fc.nat(3),
      assigned: fc.nat(3),
      idleForMs: fc.nat(300_000),
      bound: fc.boolean(),
    })
    .map(({ slots, assigned, bound, idleForMs, ...rest }) => {
      const { instanceId, ...runner } = aRunner({
        ...rest,
        slots: Array.from({ length: slots }, aTaskId),
        assigned: Array.from({ length: assigned }, aTaskId),
        idleSince: addMs(noon, -idleForMs),
      });
      return bound ? { ...runner, instanceId } : runner;
    });

export const anyRunners = () => fc.array(anyRunner(), { maxLength: 8 });
