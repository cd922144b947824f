/** Rows of tables, and what they show. */
import type { ReactNode, Ref } from 'react';

export interface Column<T> {
  readonly header: string;
  readonly render: (item: T) => ReactNode;
  /** Aligns numbers at the right, so that they can be compared. */
  readonly align?: 'right';
  /** Smallest screen that shows the column. @default always */
  readonly from?: 'tablet' | 'desktop';
  /** Shows the header to screen readers only, for columns of buttons. */
  readonly isHeaderHidden?: boolean;
  /** Its width in a long table. @default an equal part of what is left */
  readonly width?: 'narrow' | 'wide';
}

export const classOf = <T,>({ align, from, isHeaderHidden, width }: Column<T>): string =>
  [align, width, from && `from-${from}`, isHeaderHidden && 'buttons'].filter(Boolean).join(' ');

/** The row of an item, or the detail under it. */
export interface Line<T> {
  readonly key: string;
  readonly item: T;
  /** Index of the item. */
  readonly index: number;
  readonly detail?: ReactNode;
}

interface RowProps<T> {
  readonly line: Line<T>;
  /** Index among the rows of the table's body. */
  readonly place: number;
  readonly columns: readonly Column<T>[];
  /** Measures the row. */
  readonly ref?: Ref<HTMLTableRowElement>;
}

export const Row = <T,>({ line: { item, detail }, place, columns, ref }: RowProps<T>): ReactNode => (
  // The header is the first row.
  <tr ref={ref} data-index={place} aria-rowindex={place + 2} className={detail ? 'detail' : undefined}>
    {detail ? (
      <td colSpan={columns.length}>{detail}</td>
    ) : (
      columns.map((column, index) =>
        index === 0 ? (
          <th key={column.header} scope="row" className={classOf(column)}>
            {column.render(item)}
          </th>
        ) : (
          <td key={column.header} className={classOf(column)}>
            {column.render(item)}
          </td>
        ),
      )
    )}
  </tr>
);
