import { describe, expect, it } from 'vitest';
import { ago, dollars, duration, facts, plain, table } from './text.ts';

describe('text for people', () => {
  it('aligns columns', () => {
    const rows = [
      { NAME: 'a', STATUS: 'success' },
      { NAME: 'long name', STATUS: 'error' },
    ];
    expect(table(rows)).toBe('NAME       STATUS\na          success\nlong name  error\n');
    expect(table([])).toBe('');
  });

  it('omits unknown facts', () => {
    expect(facts({ Id: '1', Reason: undefined, Status: 'ok' })).toBe('Id      1\nStatus  ok\n');
  });

  it('removes control characters from names', () => {
    expect(plain('a\u001b]0;x\u0007b\nc')).toBe('a ]0;x b c');
  });

  it('formats money and time', () => {
    expect([0, 280, 1_500_000].map(dollars)).toEqual(['$0.00', '$0.0003', '$1.50']);
    const lengths = [400, 65_000, 3_700_000, 200_000_000];
    expect(lengths.map(duration)).toEqual(['0 s', '1 min 5 s', '1 h 1 min', '2 d']);
    expect(ago('2026-11-24T12:00:00.000Z', '2026-11-24T12:00:05.000Z')).toBe('5 s ago');
  });
});
