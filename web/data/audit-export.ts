/** Exports the audit trail as a file. The API returns it in parts, each with the address of the next. */
import type { Query } from '../../protocol/endpoints/call.ts';
import { auditIn } from './audit.ts';
import { follow, unreachable } from './request.ts';

export type ExportFormat = 'csv' | 'jsonl';

/** Removes quoted cells: a line break within quotes is part of a cell. */
const outsideQuotes = (csv: string): string =>
  csv
    .split('"')
    .filter((_, index) => index % 2 === 0)
    .join('');

/** Counts the events in a part. The first part of a CSV file also has the header. */
export const countEvents = (part: string, format: ExportFormat, isFirst: boolean): number => {
  const lines = (format === 'csv' ? outsideQuotes(part) : part).split('\n').length - 1;
  return format === 'csv' && isFirst ? lines - 1 : lines;
};

export const nextPart = (link: string | null): string | undefined =>
  /<([^>]+)>; rel="next"/.exec(link ?? '')?.[1];

interface ExportOptions {
  readonly filters: Query;
  readonly format: ExportFormat;
  readonly signal: AbortSignal;
  /** Called after each part with the number of events so far. */
  readonly onPart: (events: number) => void;
}

export const exportAudit = async (
  projectId: string | undefined,
  { filters, format, signal, onPart }: ExportOptions,
): Promise<string[]> => {
  const parts: string[] = [];
  let events = 0;
  let response = await auditIn(projectId).firstPart({ ...filters, format }, signal);
  for (;;) {
    const part = await response.text().catch((error: unknown) => {
      throw signal.aborted ? error : unreachable;
    });
    events += countEvents(part, format, parts.length === 0);
    parts.push(part);
    onPart(events);
    const next = nextPart(response.headers.get('link'));
    if (next === undefined) return parts;
    response = await follow(next, { signal });
  }
};
