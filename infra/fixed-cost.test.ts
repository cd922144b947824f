/** Cost of the idle stack: the template's parts that cost, against the arithmetic of the docs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { resourcesOf, synthesize } from './testing/template.ts';

const readDoc = (name: string) => readFileSync(join(import.meta.dirname, '../docs', name), 'utf8');
const template = synthesize();
const count = (type: string) => resourcesOf(template, type).length;

const alarm = z.object({
  Metrics: z.array(z.object({ MetricStat: z.unknown().optional() })).optional(),
  Period: z.number().optional(),
});
/**
 * Alarms with their metrics. CloudWatch charges for each metric of an alarm, and three times as much for
 * periods under a minute.
 */
const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) =>
  alarm.parse(Properties),
);
const alarmMetrics = alarms.flatMap(({ Metrics }) => Metrics?.filter(({ MetricStat }) => MetricStat) ?? [{}]);

/** Sums the last column of the first table under a heading, and returns the amount in its total row. */
const sumsIn = (doc: string, heading: string, total: string) => {
  const [table = ''] = doc.slice(doc.indexOf(`\n## ${heading}\n`)).match(/(^\|.*\n)+/m) ?? [];
  const rows = table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .replaceAll('*', '')
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const amountOf = (row: readonly string[]) => Number(row.at(-1));
  const isTotal = ([name = '']: readonly string[]) => name.startsWith(total);
  return {
    parts: rows.filter((row) => !isTotal(row)).reduce((sum, row) => sum + amountOf(row), 0),
    total: rows.filter(isTotal).map(amountOf)[0] ?? Number.NaN,
  };
};

describe('the cost without work', () => {
  it('comes from one queue that Lambda polls', () => {
    const mappings = resourcesOf(template, 'AWS::Lambda::EventSourceMapping');
    expect(mappings).toHaveLength(1);
    expect(readDoc('operating/deploy.md')).toContain(
      `| ${mappings.length} × 5 × 3 × 43,800 = 657,000 requests`,
    );
  });

  it('comes from one KMS key, whose versions KMS does not multiply', () => {
    expect(
      resourcesOf(template, 'AWS::KMS::Key').map(([, { Properties }]) => Properties.EnableKeyRotation),
    ).toEqual([false]);
  });

  it('comes from five metrics under alarm, none of them by the second', () => {
    expect(alarmMetrics).toHaveLength(5);
    expect(readDoc('using/cost.md')).toContain(`| ${alarmMetrics.length} metrics × 0.10 |`);
    expect(alarms.filter(({ Period = 60 }) => Period < 60)).toEqual([]);
  });

  it('comes from two functions each minute and one of three free dashboards, without own metrics', () => {
    const scheduled = resourcesOf(template, 'AWS::Events::Rule').flatMap(
      ([, { Properties }]) => Properties.ScheduleExpression ?? [],
    );
    expect(scheduled).toEqual(['rate(1 minute)', 'rate(1 minute)']);
    expect(count('AWS::CloudWatch::Dashboard')).toBe(1);
    // A filter with a default value would write its metric each minute.
    expect(JSON.stringify(resourcesOf(template, 'AWS::Logs::MetricFilter'))).not.toContain('DefaultValue');
  });
});

describe('the arithmetic of the docs', () => {
  const operations = sumsIn(readDoc('using/cost.md'), 'Operations', 'fixed');
  const all = sumsIn(readDoc('operating/deploy.md'), 'What it costs while idle', 'control plane');

  it('adds up', () => {
    expect(operations.total).toBeCloseTo(operations.parts, 5);
    // Each row is rounded to cents; the sum is that of the rows before rounding.
    expect(Math.abs(all.total - all.parts)).toBeLessThan(0.02);
    expect(readDoc('operating/deploy.md')).toContain(
      `(../using/cost.md#operations) | ${operations.total.toFixed(2)} |`,
    );
    expect(readDoc('using/cost.md')).toContain(`${all.total} USD a month at list prices`);
  });

  it('totals under 2 USD a month, without any free tier', () => {
    expect(all.total).toBeLessThan(2);
    expect(all.parts).toBeLessThan(2);
  });
});
