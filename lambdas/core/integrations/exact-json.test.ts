import { describe, expect, it } from 'vitest';
import { parseExactly } from './exact-json.ts';

const textAt = (json: string) => {
  const { value, textOf } = parseExactly(`{"n":${json}}`);
  const part: unknown = Object.values(value ?? {})[0];
  return textOf(part);
};

describe('parseExactly', () => {
  it.each([
    '9007199254740993',
    '-12345678901234567890',
    '123456789012345678901234567890',
    '0.1234567890123456789',
    '1e400',
    '1e-400',
    '[9007199254740993,{"id":12345678901234567890}]',
  ])('keeps the digits of %s', (json) => {
    expect(textAt(json)).toBe(json);
  });

  it("writes numbers in JavaScript's exact range like JSON.stringify", () => {
    expect(['7', '-0.5', '1.0', '1e3', '9007199254740'].map(textAt)).toEqual([
      '7',
      '-0.5',
      '1',
      '1000',
      '9007199254740',
    ]);
  });

  it('keeps digits in strings unchanged, also after escaped quotes', () => {
    const text = '"12345678901234567890 \\" 12345678901234567890"';
    expect(textAt(text)).toBe(JSON.parse(text));
    expect(textAt(`[${text},12345678901234567890]`)).toBe(`[${text},12345678901234567890]`);
  });

  it('accepts a string that looks like a mark', () => {
    const text = `"${'0'.repeat(64)}1"`;
    expect(textAt(text)).toBe(JSON.parse(text));
  });

  it('rejects text that JSON.parse rejects', () => {
    for (const text of ['0123456789012345678', '12345678901234567890.', '{"a":1.2.34567890123456789}', '']) {
      expect(() => parseExactly(text)).toThrow(SyntaxError);
    }
  });

  it('accepts a string of a mebibyte of escapes', () => {
    const text = `"${'\\\\'.repeat(500_000)}"`;
    expect(textAt(text)).toHaveLength(500_000);
  });
});
