/** Fixtures with defaults. */
import { ulid } from 'ulid';
import type { TaskPayload } from '../../protocol/agent.ts';
import { type ProjectId, projectId, type TaskId, taskId } from '../../protocol/ids.ts';
import type { Logger } from '../logger.ts';
import { createHeldTasks, type HeldTasks } from '../task/held-tasks.ts';
import { systemTiming } from '../timing.ts';

export const aProjectId = (): ProjectId => projectId.parse(`prj_${ulid()}`);
export const aTaskId = (): TaskId => taskId.parse(`tsk_${ulid()}`);

export const aPayload = (given: Partial<TaskPayload> = {}): TaskPayload => ({
  projectId: aProjectId(),
  taskId: aTaskId(),
  attempt: 1,
  templateName: 'Deploy',
  app: 'bash',
  script: given.path === undefined ? 'echo hello' : undefined,
  arguments: [],
  timeoutMs: 60_000,
  stopGraceMs: 10_000,
  onDrain: 'finish',
  variables: {},
  secrets: {},
  ...given,
});

export const heldTasks = (leaseMs = 60_000): HeldTasks =>
  createHeldTasks({ leaseMs, onLapse: () => undefined, timing: systemTiming });

const nothing = () => undefined;
export const quiet: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
