/**
 * `npm run bench:bill`: the seconds that EC2 bills for ten days of each trace. Compares Reveille's default
 * with the recipe "start at the task's start, stop at its finish" (recipe.ts). Both run in virtual time, with
 * one runner per tag and the same delays of EC2. Neither has a delay between a task's finish and
 * StopInstances: both use a webhook and a function there. Exits with 1 when Reveille's bill is larger.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { Command } from 'commander';
import { billOf, recipeRuns } from './recipe.ts';
import { replayTrace } from './replay-trace.ts';
import { firstDays, parseTrace, type TracedTask } from './trace.ts';

const days = 10;
const folder = relative(process.cwd(), join(import.meta.dirname, '../../../shared/traces'));
const defaults = ['govuk-infra-terraform', 'nixos-infra-ops', 'ansible-ci-busy'].map((name) =>
  join(folder, `${name}.csv`),
);

const command = new Command('npm run bench:bill --')
  .description(
    `What EC2 bills for ${days} days of each trace, by Reveille and by "start at the start, stop at the finish".`,
  )
  .argument('[traces...]', 'files with arrival_s,duration_s,tag', defaults)
  .parse();

const read = (path: string): TracedTask[] => {
  if (!existsSync(path))
    command.error(
      `error: There is no trace ${path}. Copy the traces to ${folder}, or name files of your own.`,
    );
  try {
    return firstDays(parseTrace(readFileSync(path, 'utf8')), days);
  } catch (error) {
    return command.error(`error: ${path} is not a trace. ${error instanceof Error ? error.message : error}`);
  }
};
const paths: readonly string[] = command.processedArgs[0];
const traces = paths.map((path) => ({ trace: basename(path, '.csv'), tasks: read(path) }));

const print = (name: string, ...cells: readonly (string | number)[]): void =>
  console.log(`${name.padEnd(24)}${cells.map((cell) => String(cell).padStart(9)).join('')}`);

console.log(`\nSeconds that EC2 bills for ${days} days, and those that Reveille records\n`);
print('', '', 'Reveille', '', 'recipe', '', '', 'Reveille');
print('trace', 'tasks', 'starts', 'billed', 'starts', 'billed', 'ratio', 'records');
const figures = [];
for (const { trace, tasks } of traces) {
  const { runs, recordedSeconds } = await replayTrace(tasks);
  const recipe = recipeRuns(tasks);
  const [billedSeconds, recipeSeconds] = [billOf(runs), billOf(recipe)];
  const ratio = (billedSeconds / recipeSeconds).toFixed(3);
  print(
    trace,
    tasks.length,
    runs.length,
    billedSeconds,
    recipe.length,
    recipeSeconds,
    ratio,
    recordedSeconds,
  );
  figures.push({ trace, billedSeconds, recipeSeconds, recordedSeconds });
}
console.log(JSON.stringify(figures));
process.exitCode = figures.some(({ billedSeconds, recipeSeconds }) => billedSeconds > recipeSeconds) ? 1 : 0;
