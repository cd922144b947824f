/** The audit trail: an item for each change, sign-in, and use of secrets, kept for as long as the stack is told. */
import {
  type AuditEvent,
  addMs,
  auditEvent,
  type Clock,
  epochMs,
  type ProjectId,
} from '../../protocol/index.ts';
import type { NewId } from './ids.ts';
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
  record: async (scope: AuditScope, event: NewAuditEvent): Promise<void> => {
    const id = newId('aud');
    const at = now();
    const expiresAt = Math.ceil(epochMs(addMs(at, retentionDays * dayMs)) / 1000);
    await table.put({ ...keys.auditEvent(scope, id), ...event, id, at, expiresAt }, [['missing', 'pk']]);
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
    return { items: items.map((item) => auditEvent.parse(item)), ...(next && { next: next.sk }) };
  },
});

/** Writes down that the secrets of keys and environments went to a runner. */
export const recordSecretUse =
  (audit: Pick<AuditTrail, 'record'>) =>
  (use: {
    readonly projectId: ProjectId;
    readonly taskId: string;
    readonly runner: { readonly id: string; readonly name: string };
    readonly secrets: readonly string[];
  }): Promise<void> =>
    audit.record(use.projectId, {
      actor: { id: use.runner.id, name: use.runner.name },
      operation: 'useSecrets',
      target: `/api/projects/${use.projectId}/tasks/${use.taskId}`,
      secrets: [...use.secrets],
    });

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
