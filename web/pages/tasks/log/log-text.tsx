/** One line of a log: its colours, and the matches of a search. */
import Anser, { type AnserJsonEntry } from 'anser';
import { Fragment, type ReactNode } from 'react';
import type { LogLine } from './log-lines.ts';

/** Maximum characters shown of a line. Browsers are slow to lay out lines of megabytes. */
const maxShown = 4000;

const isNamed = (colour: string): boolean => !/truecolor|palette/.test(colour);

const levels = [0, 95, 135, 175, 215, 255] as const;

/** Converts one of xterm's 256 colours: from 16 a cube of 6 by 6 by 6, then 24 greys. */
const paletteColour = (number: number): string => {
  const grey = 8 + (number - 232) * 10;
  if (number >= 232) return `rgb(${grey} ${grey} ${grey})`;
  const at = (size: number) => levels[Math.floor((number - 16) / size) % 6] ?? 0;
  return `rgb(${at(36)} ${at(6)} ${at(1)})`;
};

const colourOf = (name: string, trueColour: string): string | undefined => {
  const number = /palette-(\d+)/.exec(name)?.[1];
  if (number !== undefined) return paletteColour(Number(number));
  return name.includes('truecolor') ? `rgb(${trueColour})` : undefined;
};

const styleOf = ({ fg, bg, fg_truecolor, bg_truecolor }: AnserJsonEntry) => ({
  color: fg ? colourOf(fg, fg_truecolor) : undefined,
  backgroundColor: bg ? colourOf(bg, bg_truecolor) : undefined,
});

const classOf = ({ fg, bg, decorations }: AnserJsonEntry): string =>
  [
    fg && isNamed(fg) && fg,
    bg && isNamed(bg) && `on-${bg}`,
    ...decorations.map((decoration) => `ansi-${decoration}`),
  ]
    .filter(Boolean)
    .join(' ');

const marked = (text: string, wanted: string): ReactNode => {
  if (wanted === '') return text;
  const found: ReactNode[] = [];
  const small = text.toLowerCase();
  let from = 0;
  for (let at = small.indexOf(wanted); at >= 0; at = small.indexOf(wanted, from)) {
    found.push(<Fragment key={`t${at}`}>{text.slice(from, at)}</Fragment>);
    found.push(<mark key={at}>{text.slice(at, at + wanted.length)}</mark>);
    from = at + wanted.length;
  }
  return found.length === 0 ? text : [...found, text.slice(from)];
};

interface LogTextProps {
  readonly line: LogLine;
  /** Searched text, in lower case. */
  readonly wanted: string;
}

export const LogText = ({ line, wanted }: LogTextProps): ReactNode => {
  const shown = line.text.slice(0, maxShown);
  const more = line.text.length - shown.length;
  const isPlain = line.colours === '' && !shown.includes('\u001b');
  return (
    <>
      {isPlain
        ? marked(shown, wanted)
        : Anser.ansiToJson(line.colours + shown, { use_classes: true, remove_empty: true }).map(
            (part, index) => (
              // The parts of a line have no other key than their position.
              // biome-ignore lint/suspicious/noArrayIndexKey: they never change places
              <span key={index} className={classOf(part)} style={styleOf(part)}>
                {marked(part.content, wanted)}
              </span>
            ),
          )}
      {more > 0 && (
        <span className="log-more"> … {more.toLocaleString()} more characters: download the log</span>
      )}
    </>
  );
};
