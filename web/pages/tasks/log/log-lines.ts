/**
 * Converts the pieces of output from the API to lines for people. Pure except for the lines that it collects.
 */
import type { Instant, LogEntry } from '../../../../protocol/index.ts';

export interface LogLine {
  readonly at: Instant;
  readonly stream: LogEntry['stream'];
  /** Text without its line end. ANSI colours are kept, other control sequences removed. */
  readonly text: string;
  /** Colours that were on when the line began. */
  readonly colours: string;
}

// This file handles control characters.
const esc = '\u001b';
/**
 * Matches cursor movements and the like (ECMA-48, CSI), and titles and links (OSC). Does not match SGR, which
 * ends with "m".
 */
const otherSequences = new RegExp(
  `${esc}\\[[0-9;:?<=>]*[ -/]*[@-ln-~]|${esc}\\][^\\u0007${esc}]*(?:\\u0007|${esc}\\\\)?|${esc}[()][A-Za-z0-9]`,
  'g',
);
const colourSequences = new RegExp(`${esc}\\[[0-9;:]*m`, 'g');

/** Keeps the text that was written last: a progress bar overwrites its line. */
const afterCarriageReturn = (text: string): string => {
  const end = text.endsWith('\r') ? text.length - 1 : text.length;
  return text.slice(text.lastIndexOf('\r', end - 1) + 1, end);
};

const tidy = (text: string): string => {
  const plain = text.includes(esc) ? text.replace(otherSequences, '') : text;
  return plain.includes('\r') ? afterCarriageReturn(plain) : plain;
};

const isReset = (sequence: string): boolean => /^.\[0*m$/.test(sequence);

/** Colours that are on after `text`, given those before it. */
const coloursAfter = (before: string, text: string): string => {
  if (!text.includes(esc)) return before;
  let on = before;
  for (const [sequence] of text.matchAll(colourSequences)) on = isReset(sequence) ? '' : on + sequence;
  return on;
};

/** Text of a line for search and copying, without colours. */
export const plainText = ({ text }: Pick<LogLine, 'text'>): string =>
  text.includes(esc) ? text.replace(colourSequences, '') : text;

export interface LogLines {
  /** Grows in place. An unfinished line is replaced when more of it comes. */
  readonly lines: readonly LogLine[];
  add(entries: readonly LogEntry[]): void;
}

export const collectLines = (): LogLines => {
  const lines: LogLine[] = [];
  /** Unfinished line of each stream, as received. */
  const open = new Map<LogEntry['stream'], { index: number; raw: string }>();
  const coloursOf = new Map<LogEntry['stream'], string>();

  const addPiece = (piece: string, at: Instant, stream: LogEntry['stream'], isEnded: boolean) => {
    const going = open.get(stream);
    const raw = (going?.raw ?? '') + piece;
    const index = going?.index ?? lines.length;
    const colours = going ? (lines[index]?.colours ?? '') : (coloursOf.get(stream) ?? '');
    lines[index] = { at: lines[index]?.at ?? at, stream, text: tidy(raw), colours };
    if (isEnded) {
      open.delete(stream);
      coloursOf.set(stream, coloursAfter(colours, raw));
    } else {
      open.set(stream, { index, raw });
    }
  };

  return {
    lines,
    add: (entries) => {
      for (const { text, at, stream } of entries) {
        const pieces = text.split('\n');
        const rest = pieces.pop() ?? '';
        for (const piece of pieces) addPiece(piece, at, stream, true);
        if (rest !== '') addPiece(rest, at, stream, false);
      }
    },
  };
};
