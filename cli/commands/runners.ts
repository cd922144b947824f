/** `runner`: the runners and their current work. */
import { type Command, Option } from 'commander';
import { drainOf, type Runner, runnerStatus } from '../../protocol/runner.ts';
import { toInstant } from '../../protocol/time.ts';
import { find } from '../names.ts';
import type { Session } from '../session.ts';
import { ago, facts } from '../text.ts';
import {
  type CommandContext,
  type JsonFlag,
  type ListFlags,
  type ProjectFlag,
  print,
  printList,
  withJson,
  withList,
  withProject,
} from './context.ts';

interface RunnerFlags extends JsonFlag, ProjectFlag {
  readonly global?: boolean;
}

const poolOf = async (session: Session, flags: RunnerFlags): Promise<string | undefined> =>
  flags.global ? undefined : (await session.project(flags.project)).id;

interface RunnerListFlags extends RunnerFlags, ListFlags {
  readonly status?: string;
  readonly tag?: string;
}

const findRunner = ({ api }: Session, pool: string | undefined, wanted: string): Promise<Runner> =>
  find('runner', wanted, (search, limit) => api.runners(pool, { search, limit }));

const slots = ({ slots: held, maxParallelTasks }: Runner): string =>
  `${held.length} of ${maxParallelTasks === 0 ? 'any' : maxParallelTasks}`;

const drainNotes = { none: '', asked: 'drains, as asked', announced: 'its agent is shutting down' } as const;

/** Notes for the owner beside the status. */
const notes = (runner: Runner): string =>
  [
    runner.active ? '' : 'inactive',
    drainNotes[drainOf(runner) ?? 'none'],
    runner.lowDisk ? `disk low: ${runner.lowDisk.freeMiB} of ${runner.lowDisk.neededMiB} MiB free` : '',
    runner.queuesFrom === undefined ? '' : `SQS refuses its queue until ${runner.queuesFrom}`,
    runner.quarantinedAt === undefined ? '' : 'in quarantine',
    runner.fault?.detail ?? '',
  ]
    .filter((note) => note !== '')
    .join('; ');

const showRunner =
  (now: string) =>
  (runner: Runner): string =>
    facts({
      Name: runner.name,
      Id: runner.id,
      Status: `${runner.status}, since ${runner.statusSince}`,
      Notes: notes(runner) || undefined,
      Tags: runner.tags.join(', ') || undefined,
      Slots: slots(runner),
      Tasks: runner.slots.join(', ') || undefined,
      'Waiting for it': runner.assigned.join(', ') || undefined,
      Instance:
        runner.instanceId &&
        [runner.instanceId, runner.instanceType, runner.market, runner.region].filter(Boolean).join(', '),
      Fleet: runner.fleet,
      'Stays on':
        (runner.instanceId ?? runner.fleet) === undefined
          ? undefined
          : runner.idleTimeoutMs === undefined
            ? 'for the minute that each start bills'
            : `${runner.idleTimeoutMs / 1000} s without work`,
      Agent: runner.agentVersion,
      Separation: runner.tasksShareUser ? "none: tasks can read this agent's key" : undefined,
      'Last heard': runner.heartbeatAt && ago(runner.heartbeatAt, now),
    });

export const addRunnerCommands = (cli: Command, context: CommandContext): void => {
  const runner = cli.command('runner').description('Runners');
  const withGlobal = (one: Command): Command =>
    one.option('--global', 'of the global pool instead of a project (admins only)');
  const command = (name: string, description: string) =>
    withGlobal(withJson(withProject(runner.command(name).description(description))));
  const now = () => toInstant(context.terminal.now());

  withGlobal(
    withList(runner.command('list').description('The runners, and what they are doing'), 'name, id or tag'),
  )
    .addOption(new Option('--status <status>', 'only with this status').choices(runnerStatus.options))
    .option('--tag <tag>', 'only with this tag')
    .action(async ({ limit, search, status, tag, ...flags }: RunnerListFlags) => {
      const session = await context.openSession();
      const pages = session.api.runners(await poolOf(session, flags), { limit, search, status, tag });
      await printList(context, flags, pages, (one) => ({
        NAME: one.name,
        STATUS: one.status,
        SLOTS: slots(one),
        TAGS: one.tags.join(', '),
        INSTANCE: one.instanceId ?? (one.fleet === undefined ? '' : `none (fleet ${one.fleet})`),
        'LAST HEARD': one.heartbeatAt === undefined ? '' : ago(one.heartbeatAt, now()),
        NOTES: notes(one),
      }));
    });
  command('show', 'One runner')
    .argument('<runner>', 'its name or id')
    .action(async (wanted: string, flags: RunnerFlags) => {
      const session = await context.openSession();
      const found = await findRunner(session, await poolOf(session, flags), wanted);
      await print(context, flags, found, showRunner(now()));
    });
  for (const [word, description, done] of [
    [
      'drain',
      'Have a runner take no task any more; what it holds ends there or is handed back',
      'takes no task any more',
    ],
    ['resume', 'Have a runner that drains, or whose disk was low, take tasks again', 'takes tasks again'],
  ] as const) {
    command(word, description)
      .argument('<runner>', 'its name or id')
      .action(async (wanted: string, flags: RunnerFlags) => {
        const session = await context.openSession();
        const pool = await poolOf(session, flags);
        const { id } = await findRunner(session, pool, wanted);
        const told = await session.api.tellRunner(pool, id, word);
        await print(context, flags, told, ({ name, slots: held }) =>
          word === 'drain' && held.length > 0
            ? `${name} ${done}. It still holds ${held.join(', ')}.\n`
            : `${name} ${done}.\n`,
        );
      });
  }
};
