/** Tables, money and times for people to read. */
import type { Instant } from '../protocol/common.ts';
import { msBetween } from '../protocol/time.ts';

/**
 * Removes control characters from names and messages, so that other people's text cannot control the
 * terminal.
 */
export const plain = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');

/** Formats rows of a table: cells are strings by their headers. */
type Rows = readonly Readonly<Record<string, string>>[];

/**
 * Starts a table that is printed part by part. The first part sets the columns: the keys of its first row, as
 * wide as their widest cell, two spaces apart. A wider cell of a later part moves the rest of its line.
 */
export const startTable = (): ((rows: Rows) => string) => {
  let columns: { readonly header: string; readonly width: number }[] | undefined;
  return (rows) => {
    const [first] = rows;
    if (!first) return '';
    const isStart = columns === undefined;
    const cellsOf = (header: string) => rows.map((row) => plain(row[header] ?? ''));
    columns ??= Object.keys(first).map((header) => ({
      header,
      width: Math.max(header.length, ...cellsOf(header).map(({ length }) => length)),
    }));
    const lines = rows.map((row) => columns?.map(({ header }) => plain(row[header] ?? '')) ?? []);
    const shown = [...(isStart ? [columns.map(({ header }) => header)] : []), ...lines].map((line) =>
      line
        .map((cell, column) => cell.padEnd(columns?.[column]?.width ?? 0))
        .join('  ')
        .trimEnd(),
    );
    return `${shown.join('\n')}\n`;
  };
};

/** Formats a whole table. */
export const table = (rows: Rows): string => startTable()(rows);

/** Formats one line for each known fact: "Status   success". */
export const facts = (all: Readonly<Record<string, string | undefined>>): string => {
  const known = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const width = Math.max(0, ...known.map(([label]) => label.length));
  return known.map(([label, value]) => `${label.padEnd(width)}  ${plain(value)}\n`).join('');
};

/** Formats dollars, small sums with four digits: a task costs hundredths of a cent. */
export const dollars = (microUsd: number): string => {
  const amount = microUsd / 1_000_000;
  return `$${amount.toFixed(Math.abs(amount) < 1 && amount !== 0 ? 4 : 2)}`;
};

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** "4 s", "3 min 20 s", "2 h 5 min", "3 d". */
export const duration = (ms: number): string => {
  const size = Math.max(0, ms);
  const seconds = Math.round(size / second);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(size / minute);
  if (minutes < 60) return `${minutes} min ${Math.floor((size % minute) / second)} s`;
  if (size < day) return `${Math.floor(size / hour)} h ${minutes % 60} min`;
  return `${Math.floor(size / day)} d`;
};

/** "3 min 20 s ago". */
export const ago = (at: Instant, now: Instant): string => `${duration(msBetween(at, now))} ago`;
