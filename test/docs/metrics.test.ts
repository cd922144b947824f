/** What the alarms and the dashboard show against what the functions write: a name that only one side knows shows nothing, for ever. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { resourcesOf, synthesize } from '../../infra/testing/template.ts';
import { metricNames } from '../../lambdas/adapters/telemetry.ts';

const template = synthesize();
const shownIn = (type: string) => JSON.stringify(resourcesOf(template, type)).replaceAll('\\', '');
const shown = shownIn('AWS::CloudWatch::Dashboard') + shownIn('AWS::CloudWatch::Alarm');
const folder = join(import.meta.dirname, '../..');

it('every metric that functions write is on the dashboard, and each of the dashboard is written', () => {
  for (const name of metricNames) expect(shown, name).toContain(name);
  const ours = [...shown.matchAll(/\["Reveille","(\w+)"/g)].map(([, name = '']) => name);
  expect(ours.length).toBeGreaterThan(0);
  const filtered = resourcesOf(template, 'AWS::Logs::MetricFilter').flatMap(
    ([, { Properties }]) => JSON.stringify(Properties).match(/(?<="MetricName":")\w+/g) ?? [],
  );
  expect(ours.filter((name) => ![...metricNames, ...filtered].includes(name))).toEqual([]);
});

it('every metric is described where operators look', () => {
  const runbook = readFileSync(join(folder, 'docs/operating/runbook.md'), 'utf8');
  for (const name of metricNames) expect(runbook, name).toContain(`\`${name}\``);
});
