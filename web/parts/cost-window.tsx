/** The time that costs are shown for, and their sums. */
import { type ReactNode, useMemo, useState } from 'react';
import type { CostHistory } from '../../protocol/index.ts';
import { Figure, Figures } from '../ui/figure.tsx';
import { formatMoney } from '../ui/money.tsx';

const spans = [7, 30, 90] as const;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Where the chosen time begins, and the field that chooses it. */
export const useCostWindow = (): { readonly from: string; readonly picker: ReactNode } => {
  const [span, setSpan] = useState<number>(30);
  // Whole hours, so that the answer can be kept for a while.
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

export interface CostTotals {
  /** Micro-dollars. */
  readonly spent: number;
  readonly alwaysOn: number;
  readonly saved: number;
  readonly tasks: number;
}

export const noCosts: CostTotals = { spent: 0, alwaysOn: 0, saved: 0, tasks: 0 };

export const addCosts = (a: CostTotals, b: CostTotals): CostTotals => ({
  spent: a.spent + b.spent,
  alwaysOn: a.alwaysOn + b.alwaysOn,
  saved: a.saved + b.saved,
  tasks: a.tasks + b.tasks,
});

export const totalsOf = ({ days }: CostHistory): CostTotals =>
  days
    .map(({ spentMicroUsd, alwaysOnMicroUsd, savedMicroUsd, tasks }) => ({
      spent: spentMicroUsd,
      alwaysOn: alwaysOnMicroUsd,
      saved: savedMicroUsd,
      tasks,
    }))
    .reduce(addCosts, noCosts);

const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });

/** "99%"; empty where the whole is nothing. */
export const partOf = (part: number, whole: number): string =>
  whole > 0 ? percent.format(part / whole) : '';

export const CostFigures = ({ costs }: { readonly costs: CostTotals }): ReactNode => (
  <Figures>
    <Figure name="Spent" value={formatMoney(costs.spent)} />
    <Figure name="Always on would be" value={formatMoney(costs.alwaysOn)} />
    <Figure name="Saved" value={formatMoney(costs.saved)} note={partOf(costs.saved, costs.alwaysOn)} />
    <Figure name="Tasks" value={costs.tasks} />
  </Figures>
);
