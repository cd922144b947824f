/** Table columns with costs. */
import { Money } from './money.tsx';
import { type Comparison, savedOf } from './saving.ts';
import type { Column } from './table/table.tsx';

/** Column of costs; undefined while unknown or loading. */
const moneyColumn = <T,>(
  header: string,
  microUsdOf: (item: T) => number | undefined,
  from?: Column<T>['from'],
): Column<T> => ({
  header,
  align: 'right',
  from,
  render: (item) => <Money microUsd={microUsdOf(item)} />,
});

/** Columns: cost, cost of machines that never sleep, and the difference. */
export const costColumns = <T,>(sumsOf: (item: T) => Comparison | undefined): Column<T>[] => [
  moneyColumn('Spent', (item) => sumsOf(item)?.spent),
  moneyColumn('Always on', (item) => sumsOf(item)?.alwaysOn, 'tablet'),
  moneyColumn('Saved', (item) => {
    const sums = sumsOf(item);
    return sums && savedOf(sums);
  }),
];
