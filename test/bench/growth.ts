/**
 * `npm run bench:growth`: what posting, finishing and claiming one task costs in DynamoDB while many others
 * wait, and a pass of the reconciler. Exits with 1 when a figure grows with the number of waiting tasks.
 */
import { newId } from '../../lambdas/adapters/ids.ts';
import type { RunnerRecord } from '../../lambdas/adapters/runners/runner-record.ts';
import { makeKeyPair } from '../../lambdas/adapters/secrets/payload-encryption.ts';
import { type Key, keys } from '../../lambdas/adapters/table.ts';
import { lineOf } from '../../lambdas/adapters/tasks/limits.ts';
import { rankOf } from '../../lambdas/core/tasks/order.ts';
import { globalQueue, projectQueue } from '../../lambdas/core/tasks/routing.ts';
import { reconcile } from '../../lambdas/flows/reconcile/reconcile.ts';
import { createRunner } from '../../lambdas/flows/runners/runner-setup.ts';
import { finishTask } from '../../lambdas/flows/tasks/report.ts';
import { type FlowFixture, flowFixture } from '../../lambdas/flows/testing.ts';
import { type ProjectId, runnerInput, type TaskId, type Template } from '../../protocol/index.ts';
import { writeAll } from '../batch-write.ts';
import { openTestTable, type TestTable } from '../dynamodb.ts';

/** Cost of one step, in DynamoDB's own units. */
interface Cost {
  requests: number;
  readUnits: number;
  writeUnits: number;
}

/** `cpuMs`: processor time of this process, the database's included. */
type Measured = Cost & { readonly cpuMs: number };

const waitingCounts = [0, 100, 1_000, 10_000];
/** Maximum growth of a figure from the least number of waiting tasks of a shape to the largest. */
const mostGrowth = 1.2;

const reads = new Set(['GetItem', 'BatchGetItem', 'Query']);

/** Counts the requests and capacity units of all calls between `begin` and `end`. */
const meter = ({ client }: TestTable) => {
  let cost: Cost = { requests: 0, readUnits: 0, writeUnits: 0 };
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
        const result = await next(args);
        const { ConsumedCapacity: used } = result.output as {
          ConsumedCapacity?: { CapacityUnits?: number } | { CapacityUnits?: number }[];
        };
        const units = [used ?? []].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
        cost.requests += 1;
        cost[reads.has(commandName.replace('Command', '')) ? 'readUnits' : 'writeUnits'] += units;
        return result;
      },
    { step: 'initialize' },
  );
  return {
    begin: () => {
      cost = { requests: 0, readUnits: 0, writeUnits: 0 };
    },
    end: (): Cost => ({ ...cost }),
  };
};

interface Pool {
  readonly runner: RunnerRecord;
  readonly template: Template;
  readonly queue: string;
  /** Line that the tasks wait in. */
  readonly line: string;
  /** Projects of the waiting tasks. */
  readonly projects: readonly ProjectId[];
}

const busy = async (fixture: FlowFixture, runner: RunnerRecord, template: Template) => {
  await fixture.beat(runner);
  await fixture.claim(runner, await fixture.start(template));
};

const ownRunners =
  (count: number) =>
  async (fixture: FlowFixture): Promise<Pool> => {
    const template = fixture.addTemplate();
    const runners = [];
    for (let made = 0; made < count; made++) {
      const runner = await fixture.addRunner({ maxParallelTasks: 1 });
      runners.push(runner);
      await busy(fixture, runner, template);
    }
    const [runner] = runners;
    if (!runner) throw new Error('A pool has at least one runner.');
    const queue = projectQueue(fixture.projectId);
    return { runner, template, queue, line: queue, projects: [fixture.projectId] };
  };

/** The runner has free slots, and the template's limit none. */
const limitedTemplate = async (fixture: FlowFixture): Promise<Pool> => {
  const template = fixture.addTemplate({ maxParallelTasks: 1 });
  const runner = await fixture.addRunner({ maxParallelTasks: 5 });
  await busy(fixture, runner, template);
  const { projectId } = fixture;
  const line = lineOf({ projectId, ownerId: template.id });
  return { runner, template, queue: projectQueue(projectId), line, projects: [projectId] };
};

const globalRunner = async (fixture: FlowFixture): Promise<Pool> => {
  const template = fixture.addTemplate();
  const { publicKey } = makeKeyPair();
  const credentials = { publicKey, tokenHash: 'hash', webhookSecret: 'whsec_x' };
  const made = { id: newId('run'), projectId: undefined, ...credentials };
  const result = await createRunner(
    fixture.deps,
    runnerInput.parse({ name: 'g', maxParallelTasks: 1 }),
    made,
  );
  if (!result.ok) throw new Error(result.code);
  await busy(fixture, result.runner, template);
  const projects = [fixture.projectId, ...Array.from({ length: 19 }, () => newId('prj'))];
  return { runner: result.runner, template, queue: globalQueue, line: globalQueue, projects };
};

interface Shape {
  readonly make: (fixture: FlowFixture) => Promise<Pool>;
  /** Number of waiting tasks that the greater ones are compared with. */
  readonly least: number;
}

const shapes: Readonly<Record<string, Shape>> = {
  'one runner': { make: ownRunners(1), least: 0 },
  '50 runners': { make: ownRunners(50), least: 0 },
  // With none, no other project is in line, and there are no turns.
  'global pool, 20 projects': { make: globalRunner, least: 100 },
  "under a template's limit": { make: limitedTemplate, least: 0 },
};

/** Writes waiting tasks with their entries in the line, as if each had been posted. */
const seed = async ({ client, tableName, dump }: TestTable, pool: Pool, sample: TaskId, count: number) => {
  const posted = (await dump()).find(({ sk }) => sk === sample);
  if (!posted) throw new Error('The sample task is missing.');
  const items: (Key & Record<string, unknown>)[] = [];
  for (let made = 0; made < count; made++) {
    const id = newId('tsk');
    const projectId = pool.projects[made % pool.projects.length] ?? pool.projects[0];
    if (projectId === undefined) return;
    const rank = rankOf({ id });
    const isGlobal = pool.line === globalQueue;
    const liveKey = String(posted.liveKey).replace(rankOf({ id: sample }), rank);
    items.push(
      { ...posted, ...keys.resource(projectId, id), id, projectId, liveKey },
      { ...keys.inLine(pool.line, isGlobal ? projectId : undefined, rank), projectId, id },
    );
    if (isGlobal && made < pool.projects.length) items.push({ ...keys.globalLine(projectId), joined: 1 });
  }
  await writeAll(client, tableName, items);
};

/** Measures each step beside `waiting` tasks in line. */
const measure = async ({ make }: Shape, waiting: number): Promise<Record<string, Measured>> => {
  const table = await openTestTable();
  try {
    const fixture = flowFixture(table.table);
    const pool = await make(fixture);
    const { deps } = fixture;
    const first = await fixture.start(pool.template);
    await seed(table, pool, first.id, waiting);
    const { begin, end } = meter(table);
    const step = async (run: () => Promise<unknown>): Promise<Measured> => {
      const before = process.cpuUsage();
      begin();
      await run();
      const { user, system } = process.cpuUsage(before);
      return { ...end(), cpuMs: Math.round((user + system) / 1000) };
    };
    const { slots } = await fixture.reload(pool.runner);
    const [running] = slots;
    if (!running) throw new Error('The runner is not busy.');
    const lease = {
      ...fixture.agentOf(pool.runner),
      projectId: fixture.projectId,
      taskId: running,
      attempt: 1,
    };
    const post = await step(() => fixture.start(pool.template));
    const pass = await step(() => reconcile(deps));
    const finish = await step(() =>
      finishTask(deps, lease, { status: 'success', exitCode: 0, logChunks: 1, lease: '' }),
    );
    const claim = await step(() => fixture.claim(pool.runner, first));
    if ((await fixture.reload(pool.runner)).slots.length !== 1) throw new Error('Nothing was claimed.');
    return { post, finish, claim, pass };
  } finally {
    await table.close();
  }
};

let isOver = false;
const figures = ['requests', 'readUnits', 'writeUnits'] as const;
for (const [name, shape] of Object.entries(shapes)) {
  console.log(
    `\n${name}${' '.repeat(26 - name.length)}requests / read units / write units, by tasks in line`,
  );
  console.log(`          ${waitingCounts.map((count) => String(count).padStart(19)).join('')}`);
  const rows = [];
  for (const count of waitingCounts) rows.push(await measure(shape, count));
  for (const what of ['post', 'finish', 'claim', 'pass']) {
    const costs = rows.flatMap((row) => row[what] ?? []);
    const cells = costs.map(
      ({ requests, readUnits, writeUnits }) => `${requests} / ${readUnits} / ${writeUnits}`,
    );
    const base = costs[waitingCounts.indexOf(shape.least)];
    const compared = costs.filter((_, index) => (waitingCounts[index] ?? 0) >= shape.least);
    const growths = compared.flatMap((cost) => figures.map((of) => cost[of] / Math.max(base?.[of] ?? 0, 1)));
    const growth = Math.max(...growths);
    const isPass = what === 'pass';
    const isBad = isPass
      ? costs.some(
          ({ requests }, index) => requests > (waitingCounts[index] ?? 0) / 100 + 10 + (base?.requests ?? 0),
        )
      : growth > mostGrowth;
    isOver ||= isBad;
    const cpu = `  CPU ${costs.map(({ cpuMs }) => cpuMs).join(', ')} ms`;
    const verdict = `${isPass ? '' : `  × ${growth.toFixed(2)}`}${cpu}`;
    console.log(
      `${what.padEnd(10)}${cells.map((cell) => cell.padStart(19)).join('')}${verdict}${isBad ? '  grows' : ''}`,
    );
  }
}
if (isOver) process.exitCode = 1;
