/** Charts over days: stacked columns or lines. Loaded only where there is one; beside each stands the same as a table. */
import type { ReactNode } from 'react';
import {
  Bar,
  CartesianGrid,
  ComposedChart,
  Line,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from 'recharts';

export interface Series {
  readonly key: string;
  readonly name: string;
  /** A custom property with the colour. */
  readonly colour: string;
  /** Columns of one stack lie upon each other; without one it is a line. */
  readonly stack?: string;
}

interface ChartProps {
  /** A row for each label. */
  readonly data: readonly Readonly<Record<string, number | undefined>>[];
  readonly labels: readonly string[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly formatAxis: (value: number) => string;
  readonly height?: number;
  /** Whole numbers only on the axis. */
  readonly isCount?: boolean;
  readonly max?: number | undefined;
}

export const Chart = ({
  data,
  labels,
  series,
  format,
  formatAxis,
  height = 220,
  isCount = false,
  max,
}: ChartProps): ReactNode => {
  const rows = data.map((row, index) => ({ ...row, label: labels[index] }));
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
            minTickGap={24}
            tick={{ fill: 'var(--quiet)', fontSize: 12 }}
          />
          <YAxis
            tickFormatter={formatAxis}
            allowDecimals={!isCount}
            domain={[0, max ?? 'auto']}
            tickLine={false}
            axisLine={false}
            width={64}
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
