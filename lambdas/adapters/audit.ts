/** The audit trail: an item for each change, sign-in, and use of secrets, kept for as long as the stack is told. */
import {
  type AuditEvent,
  addMs,
  auditEvent,
  type Clock,
  epochMs,
  type Instant,
  type ProjectId,
} from '../../protocol/index.ts';
import { idFrom, type NewId } from './ids.ts';
import { recordsOf } from './records.ts';
import { keys, type Table } from './table.ts';

export type NewAuditEvent = Omit<AuditEvent, 'id' | 'at'>;

/** A project's trail, or the stack's. */
export type AuditScope = ProjectId | 'stack';

interface Deps {
  readonly now: Clock;
  readonly newId: NewId;
  readonly retentionDays: number;
}

const dayMs = 86_400_000;

export type AuditTrail = ReturnType<typeof auditTrail>;

export const auditTrail = (table: Table, { now, newId, retentionDays }: Deps) => ({
  /** With an `id` of an event that there is, nothing is written. */
  record: async (
    scope: AuditScope,
    event: NewAuditEvent,
    id: AuditEvent['id'] = newId('aud'),
  ): Promise<void> => {
    const at = now();
    const expiresAt = Math.ceil(epochMs(addMs(at, retentionDays * dayMs)) / 1000);
    await recordsOf(table, auditEvent).put({ ...keys.auditEvent(scope, id), ...event, id, at, expiresAt }, [
      ['missing', 'pk'],
    ]);
  },

  /** Newest first, after the event with the id `after`. */
  list: async (
    scope: AuditScope,
    limit: number,
    after: string | undefined,
  ): Promise<{ items: AuditEvent[]; next?: string }> => {
    const { items, next } = await table.query({
      pk: keys.auditEvent(scope, '').pk,
      prefix: 'aud_',
      descending: true,
      limit,
      ...(after !== undefined && { after: keys.auditEvent(scope, after) }),
    });
    return { items: recordsOf(table, auditEvent).readAll(items), ...(next && { next: next.sk }) };
  },
});

/** Writes down that the secrets of keys and environments went to a runner. */
export const recordSecretUse =
  (audit: Pick<AuditTrail, 'record'>) =>
  (use: {
    readonly projectId: ProjectId;
    readonly taskId: string;
    readonly templateName: string;
    readonly runner: { readonly id: string; readonly name: string };
    readonly secrets: readonly string[];
  }): Promise<void> =>
    audit.record(use.projectId, {
      actor: { id: use.runner.id, name: use.runner.name },
      operation: 'useSecrets',
      target: `/api/projects/${use.projectId}/tasks/${use.taskId}`,
      object: { kind: 'tasks', id: use.taskId, name: use.templateName },
      secrets: [...use.secrets],
    });

/** Writes down, once, that something else than a person or their token started a task: an integration or a schedule. */
export const recordStart = (
  audit: Pick<AuditTrail, 'record'>,
  {
    projectId,
    id,
    templateName,
    startedAt,
    by,
    ...event
  }: {
    readonly projectId: ProjectId;
    /** The task's. */
    readonly id: string;
    readonly templateName: string;
    /** The same, however often it is told. */
    readonly startedAt: Instant;
    readonly by: AuditEvent['actor'];
    readonly source?: string;
    readonly secrets?: string[];
  },
): Promise<void> =>
  audit.record(
    projectId,
    {
      ...event,
      actor: { id: by.id, name: by.name },
      operation: 'startTask',
      target: `/api/projects/${projectId}/tasks/${id}`,
      object: { kind: 'tasks', id, name: templateName },
    },
    idFrom('aud', startedAt, `startTask/${id}`),
  );

/** Writes down what an operator of the account had a function do. IAM knows who it was: CloudTrail has the invocation where it logs them. */
export const recordOperation = (
  audit: Pick<AuditTrail, 'record'>,
  operation: string,
  target: string,
  requestId: string,
): Promise<void> =>
  audit.record('stack', {
    actor: { id: 'operator', name: 'An operator of the AWS account' },
    operation,
    target,
    requestId,
  });
