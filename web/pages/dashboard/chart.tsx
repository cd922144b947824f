/**
 * Charts over days: stacked columns or lines. Loaded only on pages with a chart; a table beside each shows
 * the same figures.
 */
import type { ReactNode } from 'react';
import {
  Bar,
  CartesianGrid,
  ComposedChart,
  Line,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from 'recharts';

export interface Series {
  readonly key: string;
  readonly name: string;
  /** Custom property with the colour. */
  readonly colour: string;
  /**
   * Name of the stack. Series of one stack are drawn on top of each other; a series without one is a line.
   */
  readonly stack?: string;
}

interface ChartProps {
  /** One row for each label. */
  readonly data: readonly Readonly<Record<string, number | undefined>>[];
  readonly labels: readonly string[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly formatAxis: (value: number) => string;
  readonly height?: number;
  /** Marks only whole numbers on the axis. */
  readonly isCount?: boolean;
  /** End of the axis. @default at or after the largest value */
  readonly max?: number;
  /** Marks of the axis for values from 0 to `largest`. @default at round numbers */
  readonly ticksTo?: (largest: number) => number[];
}

type Row = ChartProps['data'][number];

/** Heights of the stacks and lines of a row. */
const heightsOf = (row: Row, series: readonly Series[]): number[] => {
  const stacks = Map.groupBy(series, ({ key, stack }) => stack ?? key);
  return [...stacks.values()].map((parts) => parts.reduce((sum, { key }) => sum + (row[key] ?? 0), 0));
};

export const Chart = ({
  data,
  labels,
  series,
  format,
  formatAxis,
  height = 220,
  isCount = false,
  max,
  ticksTo,
}: ChartProps): ReactNode => {
  const rows = data.map((row, index) => ({ ...row, label: labels[index] }));
  const heights = data.flatMap((row) => heightsOf(row, series));
  const goesBelow = heights.some((value) => value < 0);
  const ticks = ticksTo?.(Math.max(0, ...heights));
  return (
    <div className="chart" aria-hidden="true">
      <ResponsiveContainer width="100%" height={height}>
        <ComposedChart
          data={rows}
          margin={{ top: 8, right: 4, bottom: 0, left: 0 }}
          accessibilityLayer={false}
        >
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="label"
            tickLine={false}
            axisLine={false}
            interval="equidistantPreserveStart"
            minTickGap={24}
            tick={{ fill: 'var(--quiet)', fontSize: 12 }}
          />
          <YAxis
            tickFormatter={formatAxis}
            allowDecimals={!isCount}
            niceTicks="snap125"
            ticks={ticks}
            domain={[
              goesBelow ? 'auto' : 0,
              max ?? ticks?.at(-1) ?? (goesBelow ? (largest: number) => Math.max(0, largest) : 'auto'),
            ]}
            tickLine={false}
            axisLine={false}
            width="auto"
            tick={{ fill: 'var(--quiet)', fontSize: 12 }}
          />
          <Tooltip
            cursor={{ fill: 'var(--sunken)' }}
            isAnimationActive={false}
            formatter={(value) => (typeof value === 'number' ? format(value) : String(value))}
            contentStyle={{
              background: 'var(--raised)',
              border: '1px solid var(--line)',
              borderRadius: 8,
              color: 'var(--ink)',
            }}
          />
          {goesBelow && <ReferenceLine y={0} stroke="var(--edge)" />}
          {series.map(({ key, name, colour, stack }) =>
            stack === undefined ? (
              <Line
                key={key}
                dataKey={key}
                name={name}
                stroke={`var(${colour})`}
                strokeWidth={2}
                dot={{ r: 2 }}
                connectNulls
                isAnimationActive={false}
              />
            ) : (
              <Bar
                key={key}
                dataKey={key}
                name={name}
                stackId={stack}
                fill={`var(${colour})`}
                maxBarSize={28}
                isAnimationActive={false}
              />
            ),
          )}
        </ComposedChart>
      </ResponsiveContainer>
    </div>
  );
};
