/** Audit trail of a project, or of the stack. */

import { exportAudit, exportStackAudit, listAudit, listStackAudit } from '../../protocol/endpoints/audit.ts';
import type { Query } from '../../protocol/endpoints/call.ts';
import type { AuditEvent } from '../../protocol/index.ts';
import { pages } from './list.ts';
import { reading, send } from './request.ts';

/** Returns the calls about a project's audit trail; without a project, about that of the stack. */
export const auditIn = (projectId: string | undefined) =>
  projectId === undefined
    ? {
        events: (query: Query) => reading(listStackAudit, { query }),
        firstPart: (query: Query, signal: AbortSignal) => send(exportStackAudit, { query }, { signal }),
      }
    : {
        events: (query: Query) => reading(listAudit, { params: { projectId }, query }),
        firstPart: (query: Query, signal: AbortSignal) =>
          send(exportAudit, { params: { projectId }, query }, { signal }),
      };

export const auditPages = (projectId: string | undefined, query: Query) =>
  pages<AuditEvent>(auditIn(projectId).events, query);
