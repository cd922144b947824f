import { expect, it } from 'vitest';
import { countEvents, nextPart } from './audit-export.ts';

it.each([
  ['a CSV file without events', '"at","actor"\r\n', 'csv', true, 0],
  ['cells with line breaks and quotes', '"at"\r\n"a ""b""\r\nc"\r\n"d"\r\n', 'csv', true, 2],
  ['a later part of a CSV file', '"a"\r\n"b"\r\n', 'csv', false, 2],
  ['an empty part', '', 'csv', false, 0],
  ['JSON lines', '{"a":"\\n"}\n{"b":"\\""}\n', 'jsonl', true, 2],
] as const)('counts the events of %s', (_, part, format, isFirst, events) => {
  expect(countEvents(part, format, isFirst)).toBe(events);
});

it('finds the next part of an export, and its end', () => {
  expect(nextPart('</api/audit/export?format=csv&cursor=YXVk>; rel="next"')).toBe(
    '/api/audit/export?format=csv&cursor=YXVk',
  );
  expect(nextPart(null)).toBeUndefined();
});
