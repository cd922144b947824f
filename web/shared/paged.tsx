/** List that is read page by page, as it is scrolled. */
import type { ReactNode } from 'react';
import { Button } from '../ui/button.tsx';
import { Empty } from '../ui/empty.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { type Column, Table } from '../ui/table/table.tsx';
import type { PagedList } from './use-pages.ts';

interface PagedProps<T> {
  readonly list: PagedList<T>;
  /** Name of the items, such as "task" and "tasks". */
  readonly one: string;
  readonly many: string;
  readonly isFiltered: boolean;
  /** Explains the list while it has no item at all. */
  readonly empty: ReactNode;
  readonly label: string;
  readonly columns: (items: readonly T[]) => readonly Column<T>[];
  readonly detailOf?: (item: T) => ReactNode;
}

export const Paged = <T extends { readonly id: string }>({
  list,
  one,
  many,
  isFiltered,
  empty,
  label,
  columns,
  detailOf,
}: PagedProps<T>): ReactNode => {
  const { hasMore, readOn, show } = list;
  const none = hasMore ? (
    <Empty icon="search" title={`No matching ${one} so far`}>
      {readOn ? `Many ${many} were searched. There are more.` : `More ${many} are being searched.`}
    </Empty>
  ) : (
    <Empty icon="search" title={`No matching ${one}`}>
      No {one} matches the filters. Change one, or clear them.
    </Empty>
  );
  return (
    <>
      <Loaded query={list}>
        {(items) =>
          items.length > 0 ? (
            <Table
              label={label}
              items={items}
              columns={columns(items)}
              keyOf={({ id }) => id}
              detailOf={detailOf}
              hasMore={hasMore}
              onShow={show}
            />
          ) : isFiltered || hasMore ? (
            none
          ) : (
            empty
          )
        }
      </Loaded>
      {hasMore && list.data !== undefined && (
        <div className="table-foot" role="status">
          {readOn ? <Button onPress={readOn}>Search on</Button> : `Loading more ${many}…`}
        </div>
      )}
    </>
  );
};
