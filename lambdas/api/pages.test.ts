import { describe, expect, it } from 'vitest';
import { newId } from '../adapters/ids.ts';
import { pageOf } from './pages.ts';

const project = newId('prj');
const item = (script: string) => ({ id: newId('tpl'), script });

describe('pageOf', () => {
  it('ends before 1 MB of JSON, where the next page begins', () => {
    // Half a megabyte as JSON: each quote is escaped.
    const items = Array.from({ length: 3 }, () => item('"'.repeat(250_000)));
    const { items: shown, nextCursor } = pageOf(project, { items });
    expect(shown).toEqual(items.slice(0, 1));
    expect(Buffer.from(nextCursor ?? '', 'base64url').toString()).toBe(items[0]?.id);
  });

  it('has one item however large, so that a client makes headway', () => {
    const items = [item('x'.repeat(2_000_000)), item('')];
    expect(pageOf(project, { items }).items).toHaveLength(1);
  });

  it('has no cursor on the last page', () => {
    expect(pageOf(project, { items: [item('')] })).not.toHaveProperty('nextCursor', expect.anything());
  });
});
