/**
 * Compares the metrics of alarms and dashboard with those of the functions: a name on one side only never
 * shows data.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { resourcesOf, synthesize } from '../../infra/testing/template.ts';
import { metricNames } from '../../lambdas/adapters/telemetry.ts';

const template = synthesize();
const shownIn = (type: string) => JSON.stringify(resourcesOf(template, type)).replaceAll('\\', '');
const shown = shownIn('AWS::CloudWatch::Dashboard') + shownIn('AWS::CloudWatch::Alarm');
const folder = join(import.meta.dirname, '../..');

it('shows every written metric on the dashboard, and no other', () => {
  for (const name of metricNames) expect(shown, name).toContain(name);
  const ours = [...shown.matchAll(/\["Reveille","(\w+)"/g)].map(([, name = '']) => name);
  expect(ours.length).toBeGreaterThan(0);
  const filtered = resourcesOf(template, 'AWS::Logs::MetricFilter').flatMap(
    ([, { Properties }]) => JSON.stringify(Properties).match(/(?<="MetricName":")\w+/g) ?? [],
  );
  expect(ours.filter((name) => ![...metricNames, ...filtered].includes(name))).toEqual([]);
});

it('describes every metric in the runbook', () => {
  const runbook = readFileSync(join(folder, 'docs/operating/runbook.md'), 'utf8');
  for (const name of metricNames) expect(runbook, name).toContain(`\`${name}\``);
});
