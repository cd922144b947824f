/** Filter of audit events. */
import { type AuditEvent, type AuditQuery, readTarget } from '../../../protocol/index.ts';

type AuditFilter = Pick<AuditQuery, 'actor' | 'kind' | 'object'>;

const isNamed = (
  wanted: string | undefined,
  { id, name = '' }: { readonly id?: string; readonly name?: string },
): boolean => wanted === undefined || id === wanted || name.toLowerCase().includes(wanted.toLowerCase());

/** Events of version 0.1.0 have no object: their kind and id are in their path. */
export const isWanted = (event: AuditEvent, { actor, kind, object }: AuditFilter): boolean => {
  const about = event.object ?? readTarget(event.target);
  return isNamed(actor, event.actor) && (kind === undefined || about.kind === kind) && isNamed(object, about);
};
