/** Writing down what was refused to whom. The limits on attempts bound how much of it there can be. */
import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { AuditEvent } from '../../protocol/index.ts';
import type { ApiDeps } from './deps.ts';

/** Of whom nobody knows who it is. */
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
    // The route and not the path: in that of an integration is a secret.
    target: matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path ?? '',
    source: deps.sourceOf(c),
    requestId: String(c.get('requestId')),
  });
