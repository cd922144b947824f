/** Records refused attempts. The limits on attempts bound the number of records. */
import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { AuditEvent } from '../../protocol/index.ts';
import type { ApiDeps } from './deps.ts';

/** For a caller who is not identified. */
const somebody = { id: 'unknown', name: 'Somebody unknown' };

export const recordRefusal = (
  deps: Pick<ApiDeps, 'audit' | 'sourceOf'>,
  c: Context,
  operation: string,
  { id, name }: AuditEvent['actor'] = somebody,
): Promise<void> =>
  deps.audit.record('stack', {
    actor: { id, name },
    operation,
    // The route and not the path: the path of an integration contains a secret.
    target: matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path ?? '',
    source: deps.sourceOf(c),
    requestId: String(c.get('requestId')),
  });
