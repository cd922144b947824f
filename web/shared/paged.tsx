/** List that is read page by page, newest first. */
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Button } from '../ui/button.tsx';
import { Empty } from '../ui/empty.tsx';
import { Loaded } from '../ui/loaded.tsx';

interface PagedProps<T> {
  readonly list: UseInfiniteQueryResult<readonly T[]>;
  /** Name of the items, such as "task" and "tasks". */
  readonly one: string;
  readonly many: string;
  readonly isFiltered: boolean;
  /** Explains the list while it has no item at all. */
  readonly empty: ReactNode;
  readonly children: (items: readonly T[]) => ReactNode;
}

export const Paged = <T,>({ list, one, many, isFiltered, empty, children }: PagedProps<T>): ReactNode => {
  const { hasNextPage, fetchNextPage, isFetchingNextPage } = list;
  const none = hasNextPage ? (
    <Empty icon="search" title={`No matching ${one} so far`}>
      Only the newest {many} were searched. There are older ones.
    </Empty>
  ) : (
    <Empty icon="search" title={`No matching ${one}`}>
      No {one} matches the filters. Change one, or clear them.
    </Empty>
  );
  return (
    <>
      <Loaded query={list}>
        {(items) => (items.length > 0 ? children(items) : isFiltered || hasNextPage ? none : empty)}
      </Loaded>
      {hasNextPage && (
        <div className="table-foot">
          <Button onPress={() => fetchNextPage()} isPending={isFetchingNextPage}>
            {isFiltered ? 'Search' : 'Show'} older {many}
          </Button>
        </div>
      )}
    </>
  );
};
