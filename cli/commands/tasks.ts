/** `task`: list, show, logs, stop, confirm, reject; `run` is in run.ts. */
import { type Command, Option } from 'commander';
import { givenValue } from '../../protocol/launch-options.ts';
import { type Task, taskStatus } from '../../protocol/task.ts';
import { msBetween, toInstant } from '../../protocol/time.ts';
import { CliError, exitCodes } from '../errors.ts';
import { find } from '../names.ts';
import type { Session } from '../session.ts';
import { ago, dollars, duration, facts, table } from '../text.ts';
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
import { addRun } from './run.ts';
import { logWriter, watchTask } from './watch.ts';

type Flags = JsonFlag & ProjectFlag;

interface TaskListFlags extends ListFlags {
  readonly status?: string;
  readonly template?: string;
  readonly tag?: string;
}

/** Finds the task with that id, or the newest one for "last". */
const findTask = async ({ api, project }: Session, wanted: string, flags: ProjectFlag): Promise<Task> => {
  const { id: projectId, name } = await project(flags.project);
  if (wanted !== 'last') return api.task(projectId, wanted);
  for await (const [newest] of api.tasks(projectId, { limit: 1 }))
    if (newest) return api.task(projectId, newest.id);
  throw new CliError(exitCodes.notFound, `There is no task in ${name} yet: reveille task run TEMPLATE`);
};

const tookMs = ({ startedAt, finishedAt }: Task, now: string): number | undefined =>
  startedAt === undefined ? undefined : msBetween(startedAt, finishedAt ?? now);

const rowOf =
  (now: string) =>
  (task: Task): Record<string, string> => {
    const ms = tookMs(task, now);
    return {
      ID: task.id,
      STATUS: task.status,
      TEMPLATE: task.templateName,
      RUNNER: task.runnerName ?? task.runnerId ?? '',
      MADE: ago(task.createdAt, now),
      TOOK: ms === undefined ? '' : duration(ms),
      COST: task.costMicroUsd === undefined ? '' : dollars(task.costMicroUsd),
      BY: task.createdBy,
    };
  };

/** Lists the values that differ from the template. */
const changedIn = ({ changed = [], ...values }: Task): string | undefined =>
  changed.length === 0
    ? undefined
    : changed.map((option) => `${option}=${JSON.stringify(givenValue(values, option))}`).join(' ');

const showTask =
  (now: string) =>
  (task: Task): string => {
    const ms = tookMs(task, now);
    const shown = facts({
      Id: task.id,
      Template: `${task.templateName} (${task.app})`,
      Status: task.status,
      'Exit code': task.exitCode?.toString(),
      Reason: task.reason,
      Message: task.message,
      Attempt: task.attempt > 1 ? String(task.attempt) : undefined,
      Tag: task.tag,
      Changed: changedIn(task),
      Runner: task.runnerId,
      Commit: task.commit && `${task.commit.hash.slice(0, 12)} ${task.commit.message}`,
      Made: `${task.createdAt} by ${task.createdBy}`,
      Took: ms === undefined ? undefined : duration(ms),
      Cost: task.costMicroUsd === undefined ? undefined : dollars(task.costMicroUsd),
    });
    const hosts = (task.hosts ?? []).map(({ host, ...counts }) => ({
      HOST: host,
      ...Object.fromEntries(
        Object.entries(counts).map(([what, count]) => [what.toUpperCase(), String(count)]),
      ),
    }));
    return hosts.length === 0 ? shown : `${shown}\n${table(hosts)}`;
  };

const list = async (context: CommandContext, flags: TaskListFlags): Promise<void> => {
  const { api, project } = await context.openSession();
  const { id } = await project(flags.project);
  const { status, tag, search, limit, template } = flags;
  const templateId =
    template &&
    (await find('template', template, (text, most) => api.templates(id, { search: text, limit: most }))).id;
  const pages = api.tasks(id, { status, tag, templateId, search, limit });
  await printList(context, flags, pages, rowOf(toInstant(context.terminal.now())));
};

interface LogFlags extends Flags {
  readonly follow?: boolean;
  readonly attempt?: number;
  readonly stopOnInterrupt?: boolean;
}

const logs = async (context: CommandContext, wanted: string, flags: LogFlags): Promise<void> => {
  const session = await context.openSession();
  const task = await findTask(session, wanted, flags);
  if (flags.follow) return watchTask(context, session, task, flags);
  const attempt = flags.attempt ?? task.attempt;
  const write = logWriter(context);
  for (let offset = 0; ; ) {
    const { entries, nextOffset, complete } = await session.api.log(task.projectId, task.id, {
      attempt,
      offset,
    });
    if (flags.json)
      for (const entry of entries) await context.terminal.out.write(`${JSON.stringify(entry)}\n`);
    else await write(entries);
    if (complete || nextOffset === offset) return;
    offset = nextOffset;
  }
};

const tellings = [
  ['stop', 'Stop a task', 'is being stopped'],
  ['confirm', 'Let a task that waits for confirmation continue', 'continues'],
  ['reject', 'End a task that waits for confirmation', 'is rejected'],
] as const;

export const addTaskCommands = (cli: Command, context: CommandContext): void => {
  const task = cli.command('task').description('Tasks: runs of templates');
  const command = (name: string, description: string) =>
    withJson(withProject(task.command(name).description(description)));
  const onTask = (name: string, description: string) =>
    command(name, description).argument('<task>', 'its id, or "last" for the newest');

  addRun(task, context);
  withList(
    task.command('list').description('The tasks of a project, newest first'),
    'id, template, message, tag, commit or name of who started it',
    20,
  )
    .addOption(new Option('--status <status>', 'only with this status').choices(taskStatus.options))
    .option('--template <template>', 'only of this template')
    .option('--tag <tag>', 'only with this tag')
    .action((flags: TaskListFlags) => list(context, flags));
  onTask('show', 'One task: its status, why it waits or failed, what it cost').action(
    async (wanted: string, flags: Flags) => {
      const found = await findTask(await context.openSession(), wanted, flags);
      await print(context, flags, found, showTask(toInstant(context.terminal.now())));
    },
  );
  onTask('logs', 'The log of a task; with --json an entry a line')
    .option('-f, --follow', 'go on until it ends, and end with its exit code')
    .option('--attempt <number>', 'of an attempt before the last', whole(1, 1000))
    .option('--stop-on-interrupt', 'with --follow: Ctrl-C stops the task')
    .action((wanted: string, flags: LogFlags) => logs(context, wanted, flags));
  for (const [word, description, done] of tellings) {
    onTask(word, description).action(async (wanted: string, flags: Flags) => {
      const session = await context.openSession();
      const { id, projectId } = await findTask(session, wanted, flags);
      const told = await session.api.tellTask(projectId, id, word);
      await print(context, flags, told, ({ status }) =>
        status === 'stopped' ? `Task ${id} is stopped.\n` : `Task ${id} ${done}.\n`,
      );
    });
  }
};
