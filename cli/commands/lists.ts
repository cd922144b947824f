/** `project`, `template`, `schedule`, `costs`: lists and sums. */
import type { Command } from 'commander';
import type { CostReport } from '../../protocol/cost.ts';
import type { Schedule } from '../../protocol/schedule.ts';
import type { Template } from '../../protocol/template.ts';
import { addMs, toInstant } from '../../protocol/time.ts';
import { CliError, exitCodes } from '../errors.ts';
import { pick } from '../names.ts';
import { dollars, duration, facts, table } from '../text.ts';
import {
  type CommandContext,
  type JsonFlag,
  type ListFlags,
  type ProjectFlag,
  print,
  printList,
  whole,
  withJson,
  withList,
  withProject,
} from './context.ts';

const addProjectCommands = (cli: Command, context: CommandContext): void => {
  const project = cli.command('project').description('Projects');
  withJson(project.command('list').description('The projects that you have a role in')).action(
    async (flags: JsonFlag) => {
      const { api } = await context.openSession();
      await print(context, flags, await api.projects(), (all) =>
        table(
          all.map(({ name, id, description }) => ({ NAME: name, ID: id, DESCRIPTION: description ?? '' })),
        ),
      );
    },
  );
  project
    .command('use')
    .argument('<project>', 'its name or id')
    .description('Choose the project that commands are about unless told')
    .action(async (wanted: string) => {
      const { api, url } = await context.openSession();
      const chosen = pick('project', await api.projects(), wanted);
      const stored = await context.store.read();
      if (stored?.url !== url) {
        throw new CliError(
          exitCodes.usage,
          'You are not signed in, so the choice cannot be stored: set REVEILLE_PROJECT instead',
        );
      }
      await context.store.write({ ...stored, project: chosen.id });
      await context.terminal.err.write(`Commands are about ${chosen.name} from now on.\n`);
    });
};

const source = ({ path, script }: Template): string => path ?? (script === undefined ? '' : '(script)');

const addTemplateCommands = (cli: Command, context: CommandContext): void => {
  const template = cli.command('template').description('Templates: what can be run');
  const list = template.command('list').description('The templates of a project');
  withList(list, 'name, id, description or tag').action(async ({ limit, search, ...flags }: ListFlags) => {
    const { api, project } = await context.openSession();
    const pages = api.templates((await project(flags.project)).id, { limit, search });
    await printList(context, flags, pages, (one) => ({
      NAME: one.name,
      APP: one.app,
      TAG: one.tag ?? '',
      RUNS: source(one),
      SURVEY: (one.survey ?? []).map(({ name, required }) => (required ? `${name}*` : name)).join(', '),
      ID: one.id,
    }));
  });
};

const nextRun = ({ active, nextRuns: [next] }: Schedule): string => {
  if (!active) return 'inactive';
  return next ?? 'ended';
};

const addScheduleCommands = (cli: Command, context: CommandContext): void => {
  const schedule = cli.command('schedule').description('Schedules: what starts by the clock');
  const list = schedule.command('list').description('The schedules of a project');
  withList(list, 'name or id').action(async ({ limit, search, ...flags }: ListFlags) => {
    const { api, project } = await context.openSession();
    const pages = api.schedules((await project(flags.project)).id, { limit, search });
    await printList(context, flags, pages, (one) => ({
      NAME: one.name,
      CRON: one.cron,
      ZONE: one.timeZone,
      'NEXT RUN': nextRun(one),
      'LAST RUN': one.lastRun ? `${one.lastRun.at} ${one.lastRun.outcome}` : '',
      ID: one.id,
    }));
  });
};

const showCosts = (report: CostReport): string => {
  const { spentMicroUsd: spent, alwaysOnMicroUsd: alwaysOn, savedMicroUsd: saved } = report;
  const rows = report.runners.map((one) => ({
    RUNNER: one.name,
    SESSIONS: String(one.sessions),
    RAN: duration(one.runSeconds * 1000),
    BILLED: duration(one.billedSeconds * 1000),
    SPENT: dollars(one.spentMicroUsd),
    'ALWAYS ON': dollars(one.alwaysOnMicroUsd),
  }));
  const percent = alwaysOn > 0 ? ` (${Math.round((saved / alwaysOn) * 100)} %)` : '';
  const unpriced = report.unpriced.map(
    ({ instanceType = 'unknown type', region }) => `${instanceType} in ${region}`,
  );
  const sums = facts({
    Spent: dollars(spent),
    'Always on': `${dollars(alwaysOn)} for the same instances, had they never slept`,
    Saved: `${dollars(saved)}${percent}`,
    Prices: `of ${report.pricesAsOf}`,
    Unpriced: unpriced.length > 0 ? `${unpriced.join(', ')}: counted as nothing` : undefined,
  });
  return rows.length === 0 ? sums : `${table(rows)}\n${sums}`;
};

const addCosts = (cli: Command, context: CommandContext): void => {
  const costs = cli
    .command('costs')
    .description('What instances cost, and what was saved against instances that never sleep')
    .option('--days <number>', 'of the last so many days', whole(1, 366), 30);
  withJson(withProject(costs)).action(async (flags: JsonFlag & ProjectFlag & { days: number }) => {
    const { api, project } = await context.openSession();
    const { id } = await project(flags.project);
    const to = toInstant(context.terminal.now());
    const from = addMs(to, -flags.days * 86_400_000);
    await print(context, flags, await api.costs(id, { from, to }), showCosts);
  });
};

export const addListCommands = (cli: Command, context: CommandContext): void => {
  addProjectCommands(cli, context);
  addTemplateCommands(cli, context);
  addScheduleCommands(cli, context);
  addCosts(cli, context);
};
