/** Endpoints of the audit trail, of projects and of the stack. */
import * as z from 'zod';
import { auditEvent, auditExportQuery, auditQuery } from '../audit.ts';
import { page } from '../common.ts';
import { answer, endpoint } from './endpoint.ts';
import { inProject } from './params.ts';

const filtered =
  'With filters, at most 2,000 events are examined for a page, so it may hold fewer than `limit`, or none, while there are older ones: continue as long as there is a `nextCursor`.';
const inParts =
  'The file comes in parts: as long as an answer has a `Link` with `rel="next"`, follow it and append the next part. A part may be empty.';
const events = { 200: answer('A page of events', page(auditEvent)) };
const exported = {
  200: {
    description: 'The file or a part of it',
    content: { 'text/csv': { schema: z.string() }, 'application/jsonl': { schema: z.string() } },
  },
};

export const listAudit = endpoint({
  operationId: 'listAudit',
  method: 'get',
  path: '/api/projects/{projectId}/audit',
  access: 'owner',
  tag: 'Members',
  summary: "List a project's changes and uses of secrets, newest first",
  description: `Admins can also read the trail of a removed project. ${filtered}`,
  request: { params: inProject, query: auditQuery },
  responses: events,
});

export const exportAudit = endpoint({
  operationId: 'exportAudit',
  method: 'get',
  path: '/api/projects/{projectId}/audit/export',
  access: 'owner',
  tag: 'Members',
  summary: "Download a project's audit trail as CSV or JSON lines",
  description: inParts,
  request: { params: inProject, query: auditExportQuery },
  responses: exported,
});

export const listStackAudit = endpoint({
  operationId: 'listStackAudit',
  method: 'get',
  path: '/api/audit',
  access: 'admin',
  tag: 'Members',
  summary: 'List sign-ins and changes outside projects, newest first',
  description: filtered,
  request: { query: auditQuery },
  responses: events,
});

export const exportStackAudit = endpoint({
  operationId: 'exportStackAudit',
  method: 'get',
  path: '/api/audit/export',
  access: 'admin',
  tag: 'Members',
  summary: "Download the stack's audit trail as CSV or JSON lines",
  description: inParts,
  request: { query: auditExportQuery },
  responses: exported,
});
