/** Export of the audit trail for other programs: comma-separated values (RFC 4180), or JSON lines. */
import { type AuditChange, type AuditEvent, readTarget } from '../../../protocol/index.ts';

const changeText = ({ field, from = '', to = '', isSecret }: AuditChange): string =>
  isSecret ? `${field}: changed` : `${field}: ${from} → ${to}`;

const columns: Readonly<Record<string, (event: AuditEvent) => string | undefined>> = {
  at: ({ at }) => at,
  actor: ({ actor }) => actor.name,
  actor_id: ({ actor }) => actor.id,
  operation: ({ operation }) => operation,
  kind: ({ object, target }) => (object ?? readTarget(target)).kind,
  object: ({ object }) => object?.name,
  object_id: ({ object, target }) => (object ?? readTarget(target)).id,
  changes: ({ changes, moreChanges }) =>
    [...(changes ?? []).map(changeText), ...(moreChanges ? [`${moreChanges} more`] : [])].join('; '),
  secrets: ({ secrets }) => secrets?.join('; '),
  target: ({ target }) => target,
  source: ({ source }) => source,
  request_id: ({ requestId }) => requestId,
  id: ({ id }) => id,
};

/**
 * Spreadsheets run a cell that begins so as a formula (OWASP: CSV injection); an apostrophe makes it text.
 */
const formula = /^[=+\-@\t\r]/;
const cell = (text = ''): string => `"${(formula.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
const line = (cells: readonly (string | undefined)[]): string => `${cells.map(cell).join(',')}\r\n`;

export const csvHeader = line(Object.keys(columns));
export const csvOf = (events: readonly AuditEvent[]): string =>
  events.map((event) => line(Object.values(columns).map((read) => read(event)))).join('');
export const jsonLinesOf = (events: readonly AuditEvent[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('');
