/**
 * Tables. On a phone, secondary columns are hidden; the page of each item has their values. Of a long table
 * only the rows near the screen are drawn. The arrow keys go from row to row.
 */
import { type KeyboardEvent, lazy, type ReactNode, Suspense, useEffect } from 'react';
import { type Column, classOf, type Line, Row } from './row.tsx';

export type { Column } from './row.tsx';

/** The body of long tables loads where there is one. */
const LongBody = lazy(async () => ({ default: (await import('./long-body.tsx')).LongBody })) as <T>(
  props: BodyProps<T>,
) => ReactNode;

/** Maximum rows of a table that is drawn as a whole, so that the browser can search and print it. */
const drawnWhole = 40;

interface TableProps<T> {
  readonly label: string;
  readonly items: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly keyOf: (item: T) => string;
  /** Content under the row, as wide as the table. @default nothing */
  readonly detailOf?: (item: T) => ReactNode;
  /** There are more items than these. @default false */
  readonly hasMore?: boolean;
  /** Receives the indices of the first and the last item on screen. */
  readonly onShow?: (first: number, last: number) => void;
}

const linesOf = <T,>({ items, keyOf, detailOf }: TableProps<T>): Line<T>[] =>
  items.flatMap((item, index) => {
    const key = keyOf(item);
    const detail = detailOf?.(item);
    return [{ key, item, index }, ...(detail ? [{ key: `${key} detail`, item, index, detail }] : [])];
  });

/** The link or button that is the name of a row, and opens it. */
const opener = 'tbody th :is(a, button)';

/** Moves the focus from the name of a row to that of its neighbour, or from the first to the search. */
const moveFocus = (event: KeyboardEvent<HTMLElement>): void => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const { target, currentTarget } = event;
  if (step === undefined || !(target instanceof HTMLElement) || !target.matches(opener)) return;
  const names = [...currentTarget.querySelectorAll<HTMLElement>(opener)];
  const search = target.closest('.page')?.querySelector<HTMLElement>('search input');
  const next = names[names.indexOf(target) + step] ?? (step < 0 ? search : undefined);
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
};

export const Table = <T,>(props: TableProps<T>): ReactNode => {
  const { label, columns, hasMore = false, onShow } = props;
  const lines = linesOf(props);
  const isLong = lines.length > drawnWhole;
  const body = {
    lines,
    columns,
    onShow: (first: number, last: number) => onShow?.(lines[first]?.index ?? 0, lines[last]?.index ?? 0),
  };
  return (
    <div className="table-frame">
      <table
        className={isLong ? 'long' : undefined}
        // As ARIA has it: -1 while the whole number is not known.
        aria-rowcount={hasMore ? -1 : lines.length + 1}
        onKeyDown={moveFocus}
      >
        <caption className="only-heard">{label}</caption>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <th key={column.header} scope="col" className={classOf(column)}>
                {column.isHeaderHidden ? <span className="only-heard">{column.header}</span> : column.header}
              </th>
            ))}
          </tr>
        </thead>
        {isLong ? (
          <Suspense fallback={<Lines columns={columns} lines={lines.slice(0, drawnWhole)} />}>
            <LongBody {...body} />
          </Suspense>
        ) : (
          <WholeBody {...body} />
        )}
      </table>
    </div>
  );
};

interface BodyProps<T> {
  readonly lines: readonly Line<T>[];
  readonly columns: readonly Column<T>[];
  /** Receives the first and the last line on screen. */
  readonly onShow: (first: number, last: number) => void;
}

const WholeBody = <T,>({ lines, columns, onShow }: BodyProps<T>): ReactNode => {
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows are reported, not the change of the receiver
  useEffect(() => onShow(0, lines.length - 1), [lines.length]);
  return <Lines lines={lines} columns={columns} />;
};

const Lines = <T,>({ lines, columns }: Omit<BodyProps<T>, 'onShow'>): ReactNode => (
  <tbody>
    {lines.map((line, index) => (
      <Row key={line.key} line={line} place={index} columns={columns} />
    ))}
  </tbody>
);
