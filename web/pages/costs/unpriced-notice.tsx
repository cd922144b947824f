/** Lists the instance types that sums leave out because their price is unknown. */
import type { ReactNode } from 'react';
import type { CostHistory } from '../../../protocol/index.ts';
import { Notice } from '../../ui/notice.tsx';

type Unpriced = CostHistory['unpriced'];

const list = new Intl.ListFormat('en', { type: 'conjunction' });

const nameOf = ({ instanceType = 'an unknown instance type', region }: Unpriced[number]): string =>
  `${instanceType} in ${region}`;

export const UnpricedNotice = ({ unpriced }: { readonly unpriced: Unpriced }): ReactNode => {
  const names = [...new Set(unpriced.map(nameOf))];
  if (names.length === 0) return null;
  const predicate =
    names.length === 1 ? 'has no known price and counts as zero' : 'have no known price and count as zero';
  return (
    <Notice kind="warn">
      {list.format(names)} {predicate}, so actual costs and savings are higher than shown.
    </Notice>
  );
};
