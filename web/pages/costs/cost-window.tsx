/** Range of time for costs, and the sums over it. */
import { type ReactNode, useMemo, useState } from 'react';
import type { CostHistory } from '../../../protocol/index.ts';
import { Figure, Figures } from '../../ui/figure.tsx';
import { formatMoney } from '../../ui/money.tsx';
import { type Comparison, isShortHistory, isTooEarly, savedOf } from '../../ui/saving.ts';

const spans = [7, 30, 90] as const;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Start of the chosen range, and the field that chooses it. */
export const useCostWindow = (): { readonly from: string; readonly picker: ReactNode } => {
  const [span, setSpan] = useState<number>(30);
  // Whole hours, so that the answer can be cached.
  const from = useMemo(
    () => new Date(Math.floor(Date.now() / hourMs) * hourMs - span * dayMs).toISOString(),
    [span],
  );
  const picker = (
    <select aria-label="Time shown" value={span} onChange={({ target }) => setSpan(Number(target.value))}>
      {spans.map((days) => (
        <option key={days} value={days}>
          Last {days} days
        </option>
      ))}
    </select>
  );
  return { from, picker };
};

export interface CostTotals extends Comparison {
  readonly alwaysOn: number;
  readonly tasks: number;
}

export const noCosts: CostTotals = { spent: 0, alwaysOn: 0, isShort: true, tasks: 0 };

export const addCosts = (a: CostTotals, b: CostTotals): CostTotals => ({
  spent: a.spent + b.spent,
  alwaysOn: a.alwaysOn + b.alwaysOn,
  isShort: a.isShort && b.isShort,
  tasks: a.tasks + b.tasks,
});

export const totalsOf = ({ days }: CostHistory): CostTotals => {
  const isShort = isShortHistory(days, (day) => day.spentMicroUsd > 0 || day.alwaysOnMicroUsd > 0);
  return days
    .map(({ spentMicroUsd, alwaysOnMicroUsd, tasks }) => ({
      spent: spentMicroUsd,
      alwaysOn: alwaysOnMicroUsd,
      isShort,
      tasks,
    }))
    .reduce(addCosts, { ...noCosts, isShort });
};

const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });

/** Share saved, as "99%"; empty when unknown. */
export const shareSaved = (costs: CostTotals): string => {
  const saved = savedOf(costs);
  return saved !== undefined && costs.alwaysOn > 0 ? percent.format(saved / costs.alwaysOn) : '';
};

interface SavedFigureProps {
  readonly name: string;
  readonly sums: Comparison;
  readonly note: string;
}

/** Amount saved, with a note, or a sentence that it is too early to say. */
export const SavedFigure = ({ name, sums, note }: SavedFigureProps): ReactNode => {
  const saved = savedOf(sums);
  return (
    <Figure
      name={name}
      value={saved === undefined ? '–' : formatMoney(saved)}
      note={isTooEarly(sums) ? 'too early to tell' : note}
    />
  );
};

export const CostFigures = ({ costs }: { readonly costs: CostTotals }): ReactNode => (
  <Figures>
    <Figure name="Spent" value={formatMoney(costs.spent)} />
    <Figure name="Always on would be" value={formatMoney(costs.alwaysOn)} />
    <SavedFigure name="Saved" sums={costs} note={shareSaved(costs)} />
    <Figure name="Tasks" value={costs.tasks} />
  </Figures>
);
