/** `task run`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { terraformAction } from '../../protocol/app-options.ts';
import type { TaskInput } from '../../protocol/task.ts';
import type { Template } from '../../protocol/template.ts';
import { CliError, exitCodes } from '../errors.ts';
import { find } from '../names.ts';
import type { Session } from '../session.ts';
import { parseAnswers, unanswered } from '../survey.ts';
import {
  type CommandContext,
  type JsonFlag,
  type ProjectFlag,
  print,
  withJson,
  withProject,
} from './context.ts';
import { type WatchFlags, watchTask } from './watch.ts';

interface RunFlags extends JsonFlag, ProjectFlag, WatchFlags {
  readonly follow?: boolean;
  readonly message?: string;
  readonly survey?: readonly string[];
  readonly surveyFile?: readonly string[];
  readonly limit?: string;
  readonly tags?: string;
  readonly skipTags?: string;
  readonly check?: boolean;
  readonly diff?: boolean;
  readonly verbosity?: number;
  readonly action?: 'plan' | 'apply' | 'destroy';
  readonly argument?: readonly string[];
  readonly branch?: string;
  readonly commit?: string;
  readonly inventory?: string;
  readonly environment?: string;
  readonly timeout?: number;
  readonly priority?: number;
}

const collect = (one: string, others: readonly string[] = []): readonly string[] => [...others, one];

const number = (text: string): number => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number.');
};

const commaSeparated = (text: string | undefined): string[] | undefined =>
  text
    ?.split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** Finds the ids of references that are given by name. */
const referencesOf = async ({ api }: Session, projectId: string, { inventory, environment }: RunFlags) => ({
  inventoryId:
    inventory === undefined
      ? undefined
      : (await find('inventory', inventory, (search, limit) => api.inventories(projectId, { search, limit })))
          .id,
  environmentId:
    environment === undefined
      ? undefined
      : (
          await find('environment', environment, (search, limit) =>
            api.environments(projectId, { search, limit }),
          )
        ).id,
});

const minuteMs = 60_000;

/** Returns the values, unless none is given. */
const anyOf = <T extends object>(values: T): T | undefined =>
  Object.values(values).some((value) => value !== undefined) ? values : undefined;

/** Collects the options that differ from the template. The API checks which of them the template allows. */
const optionsOf = (flags: RunFlags) => {
  const { limit, tags, skipTags, check, diff, verbosity, action, branch, commit } = flags;
  return {
    ansible: anyOf({
      limit,
      tags: commaSeparated(tags),
      skipTags: commaSeparated(skipTags),
      check,
      diff,
      verbosity,
    }),
    terraform: anyOf({ action }),
    repository: anyOf({ branch, commit }),
    arguments: flags.argument && [...flags.argument],
    timeoutMs: flags.timeout === undefined ? undefined : Math.round(flags.timeout * minuteMs),
    priority: flags.priority,
  };
};

const answersFor = async (context: CommandContext, { survey = [], name }: Template, flags: RunFlags) => {
  const given = { values: flags.survey ?? [], files: flags.surveyFile ?? [] };
  const answers = await parseAnswers(survey, given, context.readText);
  const open = unanswered(survey, answers);
  if (open.length === 0) return answers;
  if (!context.terminal.canAsk || flags.json) {
    const names = open.map((variable) => `--survey ${variable.name}=…`).join(' ');
    throw new CliError(exitCodes.usage, `The template ${name} needs ${names}`);
  }
  const { askAnswers } = await import('../ask.ts');
  return { ...answers, ...(await askAnswers(open)) };
};

const run = async (context: CommandContext, wanted: string, flags: RunFlags): Promise<void> => {
  const session = await context.openSession();
  const { id: projectId } = await session.project(flags.project);
  const template = await find('template', wanted, (search, limit) =>
    session.api.templates(projectId, { search, limit }),
  );
  const survey = await answersFor(context, template, flags);
  const input: TaskInput = {
    templateId: template.id,
    message: flags.message,
    survey: anyOf(survey),
    ...optionsOf(flags),
    ...(await referencesOf(session, projectId, flags)),
  };
  const task = await session.api.startTask(projectId, input);
  if (!flags.follow) return print(context, flags, task, ({ id }) => `${id}\n`);
  await context.terminal.err.write(`Task ${task.id} of ${template.name}\n`);
  await watchTask(context, session, task, flags);
};

export const addRun = (task: Command, context: CommandContext): void => {
  const command = task
    .command('run')
    .argument('<template>', 'its name or id')
    .description('Start a task from a template')
    .option('-f, --follow', 'print the log while it grows, and end with the exit code of the task')
    .option('-m, --message <text>', 'why it is run')
    .option('-s, --survey <NAME=VALUE>', "an answer to the template's survey; may be given again", collect)
    .option('--survey-file <NAME=PATH>', 'an answer that is in a file; "-" is standard input', collect)
    .option('--stop-on-interrupt', 'with --follow: Ctrl-C stops the task, instead of leaving it running')
    .option('--limit <hosts>', 'ansible: only these hosts')
    .option('--tags <tags>', 'ansible: only plays and tasks with these tags, comma-separated')
    .option('--skip-tags <tags>', 'ansible: none with these tags, comma-separated')
    .option('--check', 'ansible: say what would change, and change nothing')
    .option('--no-check', 'ansible: change things')
    .option('--diff', 'ansible: show what changes within files')
    .option('--no-diff', 'ansible: do not show it')
    .option('--verbosity <number>', 'ansible: how many "v" it gets, 0 to 5', number)
    .addOption(new Option('--action <action>', 'terraform, tofu').choices(terraformAction.options))
    .option('--argument <text>', "instead of the template's arguments; may be given again", collect)
    .option('--branch <name>', 'of the repository')
    .option('--commit <hash>', 'of the repository, 7 digits or more')
    .option('--inventory <inventory>', 'its name or id')
    .option('--environment <environment>', 'its name or id')
    .option('--timeout <minutes>', 'when it is ended', number)
    .option('--priority <number>', '-100 to 100: the higher starts first', number)
    .addHelpText(
      'after',
      `
What of the template may be changed, from --limit to --priority, its author says under "Launch options"; the rest is refused.

Without --follow it prints the id of the task and ends at once. A secret answer is better in a file, as the command line is
seen in ps; in a terminal, what is needed and not given is asked for.

Examples:
  reveille task run Deploy --follow
  reveille task run Deploy --survey version=1.4.2 --survey-file password=- --message "Release" < password.txt
  reveille task run "Patch hosts" --limit web --check --diff --follow`,
    );
  withJson(withProject(command)).action((wanted: string, flags: RunFlags) => run(context, wanted, flags));
};
