/** Audit trail: an item for each change, sign-in and use of secrets. The stack configures its retention. */
import { pathOf } from '../../../protocol/endpoints/call.ts';
import { getTask } from '../../../protocol/endpoints/tasks.ts';
import {
  type AuditEvent,
  type AuditQuery,
  addMs,
  auditEvent,
  type Clock,
  epochMs,
  type Instant,
  type ProjectId,
} from '../../../protocol/index.ts';
import { isWanted } from '../../core/people/audit-filter.ts';
import { idFrom, idsBetween, type NewId } from '../ids.ts';
import { recordsOf } from '../records.ts';
import { keys, type Table } from '../table.ts';

export type NewAuditEvent = Omit<AuditEvent, 'id' | 'at'>;

/** Trail of a project, or of the stack. */
export type AuditScope = ProjectId | 'stack';

interface Deps {
  readonly now: Clock;
  readonly newId: NewId;
  readonly retentionDays: number;
}

const dayMs = 86_400_000;

/** Maximum events examined for a page with filters, and by one query. */
const mostExamined = 2000;
const examinedAtOnce = 200;
const earliest = '1970-01-01T00:00:00.000Z';
const latest = '9999-12-31T23:59:59.999Z';

export type AuditTrail = ReturnType<typeof auditTrail>;

export const auditTrail = (table: Table, { now, newId, retentionDays }: Deps) => ({
  /** Records an event; writes nothing when an event has the same `id`. */
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

  /**
   * Lists events newest first, after the event with the id `after`. With filters it examines at most 2,000
   * events, so a page may be empty and still have a next one.
   */
  list: async (
    scope: AuditScope,
    { limit, from, to, ...filter }: Omit<AuditQuery, 'cursor'>,
    after: string | undefined,
  ): Promise<{ items: AuditEvent[]; next?: string }> => {
    if (from !== undefined && to !== undefined && from > to) return { items: [] };
    const window = idsBetween('aud', from ?? earliest, to ?? latest);
    if (after !== undefined && (after < window.from || after > window.to)) return { items: [] };
    const isFiltered = Object.values(filter).some((wanted) => wanted !== undefined);
    const found: AuditEvent[] = [];
    let reached = after;
    for (let examined = 0; examined < mostExamined; examined += examinedAtOnce) {
      const { items, next } = await table.query({
        pk: keys.auditEvent(scope, '').pk,
        ...window,
        descending: true,
        limit: isFiltered ? examinedAtOnce : limit,
        after: reached === undefined ? undefined : keys.auditEvent(scope, reached),
      });
      found.push(
        ...recordsOf(table, auditEvent)
          .readAll(items)
          .filter((event) => isWanted(event, filter)),
      );
      const last = found[limit - 1];
      if (last && (found.length > limit || next)) return { items: found.slice(0, limit), next: last.id };
      if (!next) return { items: found };
      reached = next.sk;
      if (!isFiltered) break;
    }
    return { items: found, next: reached };
  },
});

/** Records that a runner received the secrets of keys and environments. */
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
      target: pathOf(getTask, { projectId: use.projectId, taskId: use.taskId }),
      object: { kind: 'tasks', id: use.taskId, name: use.templateName },
      secrets: [...use.secrets],
    });

/** Records, once, that an integration or a schedule started a task. */
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
    /** Id of the task. */
    readonly id: string;
    readonly templateName: string;
    /** Same in each repeat of the call. */
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
      target: pathOf(getTask, { projectId, taskId: id }),
      object: { kind: 'tasks', id, name: templateName },
    },
    idFrom('aud', startedAt, `startTask/${id}`),
  );

/**
 * Records that an operator of the AWS account invoked a function. CloudTrail knows the operator, where it
 * logs invocations.
 */
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
