import { describe, expect, it } from 'vitest';
import { auditEvent } from '../../../protocol/index.ts';
import { csvHeader, csvOf, jsonLinesOf } from './audit-export.ts';

const event = auditEvent.parse({
  id: 'aud_01M8GFT7C2JKV8KMSXTGQA863M',
  at: '2026-11-29T12:00:00.000Z',
  actor: { id: 'usr_01M8GFT7C2JKV8KMSXTGQA863M', name: '=HYPERLINK("https://example.org")' },
  operation: 'replaceTemplate',
  target: '/api/projects/prj_1/templates/tpl_1',
  object: { kind: 'templates', id: 'tpl_1', name: 'Say "hello", twice' },
  changes: [
    { field: 'tag', from: 'a', to: 'b' },
    { field: 'secret', isSecret: true },
  ],
  moreChanges: 2,
});
const cells = (text: string) => [...text.matchAll(/"((?:[^"]|"")*)"/g)].map(([, inside]) => inside);

describe('an export of the audit trail', () => {
  it('quotes each cell of CSV, with as many cells as the header', () => {
    const row = cells(csvOf([event]));
    expect(row).toHaveLength(cells(csvHeader).length);
    expect(row).toContain('Say ""hello"", twice');
    expect(row).toContain('tag: a → b; secret: changed; 2 more');
    expect(csvOf([event]).endsWith('"\r\n')).toBe(true);
  });

  it.each(['=', '+', '-', '@', '\t', '\r'])('lets no CSV cell begin with %j', (first) => {
    const risky = { ...event, actor: { ...event.actor, name: `${first}1+1` } };
    expect(cells(csvOf([risky]))[1]).toBe(`'${first}1+1`);
  });

  it('writes one event per JSON line', () => {
    const lines = jsonLinesOf([event, event]).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([event, event]);
  });

  it('names the kind and id of an event of version 0.1.0 by its path', () => {
    const { object: _object, changes: _changes, ...old } = event;
    expect(cells(csvOf([old]))).toEqual(expect.arrayContaining(['templates', 'tpl_1']));
  });
});
