/** Chart over days with its legend, and the same figures as a table for screen readers. */
import { lazy, type ReactNode, Suspense } from 'react';
import { Table } from '../../ui/table/table.tsx';
import type { Series } from './chart.tsx';

const Chart = lazy(async () => ({ default: (await import('./chart.tsx')).Chart }));

const dayName = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', timeZone: 'UTC' });

interface DayChartProps {
  readonly label: string;
  readonly days: readonly {
    readonly day: string;
    readonly values: Readonly<Record<string, number | undefined>>;
  }[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** @default format */
  readonly formatAxis?: (value: number) => string;
  readonly isCount?: boolean;
  /** End of the axis. @default at the largest value */
  readonly max?: number;
  /** Marks of the axis for values from 0 to `largest`. @default at round numbers */
  readonly ticksTo?: (largest: number) => number[];
}

export const DayChart = ({
  label,
  days,
  series,
  format,
  formatAxis = format,
  isCount = false,
  max,
  ticksTo,
}: DayChartProps): ReactNode => {
  const labels = days.map(({ day }) => dayName.format(new Date(day)));
  return (
    <>
      <ul className="legend" aria-hidden="true">
        {series.map(({ key, name, colour }) => (
          <li key={key}>
            <span className="swatch" style={{ background: `var(${colour})` }} />
            {name}
          </li>
        ))}
      </ul>
      <Suspense fallback={<div className="chart-wait" />}>
        <Chart
          data={days.map(({ values }) => values)}
          labels={labels}
          series={series}
          format={format}
          formatAxis={formatAxis}
          isCount={isCount}
          max={max}
          ticksTo={ticksTo}
        />
      </Suspense>
      <div className="only-heard">
        <Table
          label={label}
          items={days}
          keyOf={({ day }) => day}
          columns={[
            { header: 'Day', render: ({ day }) => dayName.format(new Date(day)) },
            ...series.map(({ key, name }) => ({
              header: name,
              render: ({ values }: DayChartProps['days'][number]) => {
                const value = values[key];
                return value === undefined ? 'none' : format(value);
              },
            })),
          ]}
        />
      </div>
    </>
  );
};
