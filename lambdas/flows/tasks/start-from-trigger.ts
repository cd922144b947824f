/** Starts a task for a trigger other than a person: an integration's event, or a due time of a schedule. */
import type { AuditEvent, Instant, LaunchValues, ProjectId, TaskId } from '../../../protocol/index.ts';
import { taskIdFrom } from '../../adapters/ids.ts';
import { ItemTooLarge } from '../../adapters/item-size.ts';
import { type AuditTrail, recordStart } from '../../adapters/people/audit.ts';
import { RecordRefused } from '../../adapters/records.ts';
import type { Deps } from '../deps.ts';
import type { AssignDeps } from './assign.ts';
import { InputRefused, startTask } from './start-task.ts';

export type StartFromTriggerDeps = AssignDeps &
  Pick<Deps, 'newId' | 'readForTask' | 'readInventory'> & { readonly audit: Pick<AuditTrail, 'record'> };

/** Trigger of a task and its cause: the same cause always makes the same task. */
export interface Cause {
  readonly kind: 'integration' | 'schedule';
  readonly by: AuditEvent['actor'] & {
    readonly projectId: ProjectId;
    readonly editedBy?: string;
  };
  readonly cause: string;
  readonly at: Instant;
  /** Source address of the event. */
  readonly source?: string;
}

export type StartedByCause =
  | { readonly outcome: 'started'; readonly detail: string; readonly taskId: TaskId }
  | { readonly outcome: 'refused'; readonly detail: string };

/** The text is stored with the event or the schedule, whose items must stay small. */
const detailLength = 2000;

/** Returns the reason of a refusal; undefined for any other error. */
const whyRefused = (error: unknown): string | undefined => {
  if (error instanceof ItemTooLarge) return `The values are too large for one task. ${error.detail}`;
  if (!(error instanceof InputRefused || error instanceof RecordRefused)) return undefined;
  const faults = error.faults.map(({ path, message }) => `${path} ${message}`);
  return `The template does not take it: ${faults.join('; ')}.`;
};

/** Values that a schedule or an integration gives to its tasks beside survey answers. */
export const savedValues = (saved: LaunchValues): LaunchValues => {
  const { ansible, terraform, repository, inventoryId, environmentId, timeoutMs, priority } = saved;
  const values = { ansible, terraform, repository, inventoryId, environmentId, timeoutMs, priority };
  return { ...values, arguments: saved.arguments };
};

/** Returns the task, recorded in its project's trail, or the reason why the template rejects it. */
export const startFromTrigger = async (
  deps: StartFromTriggerDeps,
  { kind, by, cause, at, source }: Cause,
  input: Parameters<typeof startTask>[2],
): Promise<StartedByCause> => {
  const { projectId } = by;
  const id = taskIdFrom(at, `${by.id}/${cause}`);
  try {
    const people = by.editedBy === undefined ? [] : [by.editedBy];
    const starter = { name: `${kind} ${by.name}`, people, isSaved: true };
    const task = await startTask(deps, projectId, input, starter, id);
    if (!task) return { outcome: 'refused', detail: 'The template is not in the project any more.' };
    await recordStart(deps.audit, {
      projectId,
      id,
      templateName: task.templateName,
      startedAt: at,
      by,
      source,
    });
    return { outcome: 'started', detail: `Started task ${id}.`, taskId: id };
  } catch (error) {
    const why = whyRefused(error);
    if (why === undefined) throw error;
    return { outcome: 'refused', detail: why.slice(0, detailLength) };
  }
};
