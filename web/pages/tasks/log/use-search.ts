/** Searches the lines in slices, so that scrolling stays smooth. */
import { useEffect, useState } from 'react';
import { type LogLine, plainText } from './log-lines.ts';

const sliceLines = 20_000;

/** Indexes (from 0) of the lines that contain the text. */
const useFound = (lines: readonly LogLine[], version: number, wanted: string): readonly number[] => {
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

const noHit = -1;

const hitsText = (count: number, shown: number): string => {
  if (count === 0) return 'Not found';
  const lines = `${count} ${count === 1 ? 'line' : 'lines'}`;
  return shown === noHit ? `Found on ${lines}` : `${shown + 1} of ${lines}`;
};

export interface Search {
  readonly text: string;
  readonly setText: (text: string) => void;
  /** The text in small letters. */
  readonly wanted: string;
  /** Number of matches, and which of them is shown, in words. */
  readonly hits: string;
  readonly hasHits: boolean;
  /** Index of the line whose match is shown. */
  readonly shownLine: number | undefined;
  /** Shows the next match, or the previous one. */
  readonly step: (by: 1 | -1) => void;
}

/** Search of a log. `reveal` is called with the index of each line to show. */
export const useSearch = (
  lines: readonly LogLine[],
  version: number,
  reveal: (index: number) => void,
): Search => {
  const [text, setText] = useState('');
  /** Position among the matches; none before the first one was requested. */
  const [shown, setShown] = useState(noHit);
  const wanted = text.toLowerCase();
  const found = useFound(lines, version, wanted);
  return {
    text,
    setText: (typed) => {
      setText(typed);
      setShown(noHit);
    },
    wanted,
    hits: hitsText(found.length, shown),
    hasHits: found.length > 0,
    shownLine: found[shown],
    step: (by) => {
      const hit = shown === noHit && by < 0 ? found.length - 1 : (shown + by + found.length) % found.length;
      const index = found[hit];
      if (index === undefined) return;
      setShown(hit);
      reveal(index);
    },
  };
};
