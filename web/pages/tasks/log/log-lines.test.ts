import { describe, expect, it } from 'vitest';
import { collectLines, plainText } from './log-lines.ts';

const at = '2026-11-24T10:00:00.000Z';
const entry = (text: string, stream: 'stdout' | 'stderr' | 'agent' = 'stdout') => ({ at, stream, text });
const collect = (...entries: ReturnType<typeof entry>[]) => {
  const collected = collectLines();
  collected.add(entries);
  return collected.lines;
};

describe('log lines', () => {
  it('end where the output has line ends', () => {
    expect(collect(entry('one\ntwo\n')).map(({ text }) => text)).toEqual(['one', 'two']);
  });

  it('continue in the next entry until a line end', () => {
    expect(collect(entry('he'), entry('llo\n'), entry('there')).map(({ text }) => text)).toEqual([
      'hello',
      'there',
    ]);
  });

  it('keep the streams apart when both have an open line', () => {
    const lines = collect(entry('out'), entry('err', 'stderr'), entry('put\n'), entry('or\n', 'stderr'));
    expect(lines.map(({ stream, text }) => `${stream} ${text}`)).toEqual(['stdout output', 'stderr error']);
  });

  it('keep the colours of the previous line until they are reset', () => {
    const lines = collect(entry('\u001b[31mred\nstill red\u001b[0m\nplain\n'));
    expect(lines.map(({ colours }) => colours)).toEqual(['', '\u001b[31m', '']);
  });

  it('show the last state of a progress bar', () => {
    expect(collect(entry('10 %\r50 %\r100 %\n')).map(({ text }) => text)).toEqual(['100 %']);
    expect(collect(entry('windows\r\n')).map(({ text }) => text)).toEqual(['windows']);
  });

  it('drop cursor movements and titles, and keep colours', () => {
    const [line] = collect(entry('\u001b]0;title\u0007\u001b[2K\u001b[1mbold\u001b[0m\n'));
    expect(line?.text).toBe('\u001b[1mbold\u001b[0m');
    expect(plainText({ text: line?.text ?? '' })).toBe('bold');
  });

  it('keep empty lines', () => {
    expect(collect(entry('\n\na\n')).map(({ text }) => text)).toEqual(['', '', 'a']);
  });
});
