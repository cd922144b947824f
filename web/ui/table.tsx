/** Tables. On a phone, secondary columns are hidden; the page of each item has their values. */
import { Fragment, type ReactNode } from 'react';

export interface Column<T> {
  readonly header: string;
  readonly render: (item: T) => ReactNode;
  /** Aligns numbers at the right, so that they can be compared. */
  readonly align?: 'right';
  /** Smallest screen that shows the column. @default always */
  readonly from?: 'tablet' | 'desktop';
  /** Shows the header to screen readers only, for columns of buttons. */
  readonly isHeaderHidden?: boolean;
}

interface TableProps<T> {
  readonly label: string;
  readonly items: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly keyOf: (item: T) => string;
  /** Content under the row, as wide as the table. @default nothing */
  readonly detailOf?: (item: T) => ReactNode;
}

const classOf = <T,>({ align, from }: Column<T>): string =>
  `${align ?? ''} ${from ? `from-${from}` : ''}`.trim();

export const Table = <T,>({ label, items, columns, keyOf, detailOf }: TableProps<T>): ReactNode => (
  <div className="table-frame">
    <table>
      <caption className="only-heard">{label}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.header} scope="col" className={classOf(column)}>
              {column.isHeaderHidden ? <span className="only-heard">{column.header}</span> : column.header}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((item) => {
          const detail = detailOf?.(item);
          return (
            <Fragment key={keyOf(item)}>
              <tr>
                {columns.map((column, index) =>
                  index === 0 ? (
                    <th key={column.header} scope="row" className={classOf(column)}>
                      {column.render(item)}
                    </th>
                  ) : (
                    <td key={column.header} className={classOf(column)}>
                      {column.render(item)}
                    </td>
                  ),
                )}
              </tr>
              {detail && (
                <tr className="detail">
                  <td colSpan={columns.length}>{detail}</td>
                </tr>
              )}
            </Fragment>
          );
        })}
      </tbody>
    </table>
  </div>
);
