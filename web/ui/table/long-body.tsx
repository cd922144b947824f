/** Body of a long table: only the rows that are on screen or close to it are drawn; the window scrolls. */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { type Column, type Line, Row } from './row.tsx';

/** Rows drawn before and after the ones on screen. */
const around = 10;
/** Height of a row before it is measured, in pixels. */
const likelyHeight = 60;
/** Number of rows by which the rows on screen change until they are reported. */
const step = 5;

interface LongBodyProps<T> {
  readonly lines: readonly Line<T>[];
  readonly columns: readonly Column<T>[];
  /** Receives the first and the last line on screen. */
  readonly onShow: (first: number, last: number) => void;
}

/** Room of the rows that are not drawn, as custom properties, which React's types don't know. */
const roomOf = (before: number, after: number): CSSProperties =>
  ({ '--before': `${Math.max(0, before)}px`, '--after': `${Math.max(0, after)}px` }) as CSSProperties;

export const LongBody = <T,>({ lines, columns, onShow }: LongBodyProps<T>): ReactNode => {
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  const list = useWindowVirtualizer<HTMLTableRowElement>({
    count: lines.length,
    estimateSize: () => likelyHeight,
    getItemKey: (index) => lines[index]?.key ?? index,
    overscan: around,
    scrollMargin: top,
    useFlushSync: false,
  });
  // What is above the table comes and goes.
  useLayoutEffect(() => {
    const now = Math.round((body.current?.getBoundingClientRect().top ?? 0) + window.scrollY);
    if (now !== top) setTop(now);
  });
  const first = Math.floor((list.range?.startIndex ?? 0) / step) * step;
  const last = Math.ceil(((list.range?.endIndex ?? 0) + 1) / step) * step - 1;
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows are reported, not the change of the receiver
  useEffect(() => onShow(first, Math.min(last, lines.length - 1)), [first, last, lines.length]);
  const drawn = list.getVirtualItems();
  const before = (drawn[0]?.start ?? top) - top;
  const after = list.getTotalSize() - ((drawn.at(-1)?.end ?? top) - top);
  return (
    <tbody ref={body} style={roomOf(before, after)}>
      {drawn.map(({ index }) => {
        const line = lines[index];
        return (
          line && <Row key={line.key} ref={list.measureElement} line={line} place={index} columns={columns} />
        );
      })}
    </tbody>
  );
};
