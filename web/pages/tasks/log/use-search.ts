/** Searches the lines in slices, so that scrolling stays smooth. */
import { useEffect, useState } from 'react';
import { type LogLine, plainText } from './log-lines.ts';

const sliceLines = 20_000;

/** Indexes (from 0) of the lines that contain the text. */
export const useSearch = (lines: readonly LogLine[], version: number, wanted: string): readonly number[] => {
  const [found, setFound] = useState<readonly number[]>([]);
  // `version` changes when the log grows, and the search runs again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `lines` is the same array while its content grows
  useEffect(() => {
    if (wanted === '') {
      setFound([]);
      return;
    }
    const hits: number[] = [];
    let from = 0;
    let timer: ReturnType<typeof setTimeout>;
    const searchSlice = () => {
      const to = Math.min(from + sliceLines, lines.length);
      for (let index = from; index < to; index += 1) {
        const line = lines[index];
        if (line && plainText(line).toLowerCase().includes(wanted)) hits.push(index);
      }
      from = to;
      if (from < lines.length) timer = setTimeout(searchSlice);
      else setFound(hits);
    };
    timer = setTimeout(searchSlice, 120);
    return () => clearTimeout(timer);
  }, [lines, version, wanted]);
  return found;
};
