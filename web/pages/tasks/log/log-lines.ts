/** From the pieces of output that the API gives to the lines that people read. Pure but for what it collects. */
import type { Instant, LogEntry } from '../../../../protocol/index.ts';

export interface LogLine {
  readonly at: Instant;
  readonly stream: LogEntry['stream'];
  /** Without its line end; ANSI colours kept, other control sequences gone. */
  readonly text: string;
  /** The colours that were on when the line began. */
  readonly colours: string;
}

// Control characters are what this is about.
const esc = '\u001b';
/** Movements of the cursor and the like (ECMA-48, CSI), and titles and links (OSC); not SGR, which ends with "m". */
const otherSequences = new RegExp(
  `${esc}\\[[0-9;:?<=>]*[ -/]*[@-ln-~]|${esc}\\][^\\u0007${esc}]*(?:\\u0007|${esc}\\\\)?|${esc}[()][A-Za-z0-9]`,
  'g',
);
const colourSequences = new RegExp(`${esc}\\[[0-9;:]*m`, 'g');

/** A progress bar overwrites its line: what was written last is what stays. */
const afterCarriageReturn = (text: string): string => {
  const end = text.endsWith('\r') ? text.length - 1 : text.length;
  return text.slice(text.lastIndexOf('\r', end - 1) + 1, end);
};

const tidy = (text: string): string => {
  const plain = text.includes(esc) ? text.replace(otherSequences, '') : text;
  return plain.includes('\r') ? afterCarriageReturn(plain) : plain;
};

const isReset = (sequence: string): boolean => /^.\[0*m$/.test(sequence);

/** The colours that are on after `text`, given those before it. */
const coloursAfter = (before: string, text: string): string => {
  if (!text.includes(esc)) return before;
  let on = before;
  for (const [sequence] of text.matchAll(colourSequences)) on = isReset(sequence) ? '' : on + sequence;
  return on;
};

/** The text as it is searched and copied. */
export const plainText = ({ text }: Pick<LogLine, 'text'>): string =>
  text.includes(esc) ? text.replace(colourSequences, '') : text;

export interface LogLines {
  /** Grows in place; a line that goes on is replaced. */
  readonly lines: readonly LogLine[];
  add(entries: readonly LogEntry[]): void;
}

export const collectLines = (): LogLines => {
  const lines: LogLine[] = [];
  /** By stream: the line that has not ended yet, as it came. */
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
