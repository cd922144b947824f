/**
 * A project at size: a thousand runners, ten thousand waiting tasks, five hundred templates. The stores make
 * the items, as for one of each; they are written by the batch, which takes a tenth of the time.
 */
import { newId } from '../lambdas/adapters/ids.ts';
import { resourceStores } from '../lambdas/adapters/resources/resources.ts';
import { runnerStore } from '../lambdas/adapters/runners/runners.ts';
import type { Item, Key, Table } from '../lambdas/adapters/table.ts';
import { lineStore } from '../lambdas/adapters/tasks/lines.ts';
import { taskStore } from '../lambdas/adapters/tasks/tasks.ts';
import { inLineOf } from '../lambdas/core/tasks/order.ts';
import { projectQueue } from '../lambdas/core/tasks/routing.ts';
import {
  addMs,
  type ProjectId,
  type RunnerStatus,
  runnerStatus,
  type Template,
  templateInput,
  toInstant,
} from '../protocol/index.ts';

export interface Stock {
  readonly runners: number;
  readonly waiting: number;
  readonly templates: number;
  /** Length of each template's script. @default a line */
  readonly scriptLength?: number;
}

type Stored = Key & Item;

/** A table that keeps what is written, and has nothing but that. */
const recorder = (): { readonly table: Table; readonly items: () => Stored[] } => {
  const written = new Map<string, Stored>();
  const nameOf = ({ pk, sk }: Key) => `${pk}\n${sk}`;
  const keep = (item: Stored) => written.set(nameOf(item), item);
  const never = () => Promise.reject(new Error('A stock is only written.'));
  return {
    items: () => [...written.values()],
    table: {
      reportUnreadable: () => {},
      get: async (key) => written.get(nameOf(key)),
      batchGet: async () => [],
      put: async (item) => {
        keep(item);
        return true;
      },
      update: never,
      remove: never,
      transact: async (writes) => {
        for (const write of writes) if ('put' in write) keep(write.put);
        return [];
      },
      query: async () => ({ items: [] }),
      queryLive: async function* () {},
    },
  };
};

/** Number with leading zeros: sorts as text, and no number is a part of another. */
const numbered = (number: number): string => String(number).padStart(5, '0');

export const zoneOf = (number: number): string => `zone-${number % 10}`;

const awake: ReadonlySet<RunnerStatus> = new Set(['starting', 'online', 'draining', 'stopping']);

/**
 * Makes the items of a stock: `runner-00001` and so on, in all states, 10 tags among them; tasks of
 * `template-00001` with the tag of the first runner and the message `number 00001`.
 *
 * @param seal encrypts the secrets of the table that the items are for
 */
export const stockItems = async (
  projectId: ProjectId,
  stock: Stock,
  seal: (table: Table) => Table = (table) => table,
): Promise<Stored[]> => {
  const { table, items } = recorder();
  const sealed = seal(table);
  const at = toInstant(Date.now() - 3_600_000);
  const now = () => at;
  const runners = runnerStore(sealed);
  const states = runnerStatus.options;
  for (let number = 1; number <= stock.runners; number += 1) {
    const status = states[Math.floor(number / 10) % states.length] ?? 'stopped';
    await runners.create({
      id: newId('run', addMs(at, number)),
      projectId,
      name: `runner-${numbered(number)}`,
      tags: [zoneOf(number)],
      maxParallelTasks: 1,
      active: number % 50 !== 0,
      instanceId: `i-${String(number).padStart(17, '0')}`,
      instanceType: 'c7g.xlarge',
      webhookUrl: `https://hooks.example.com/${numbered(number)}`,
      status,
      statusSince: at,
      publicKey: `-----BEGIN PUBLIC KEY-----\n${'A'.repeat(60)}\n-----END PUBLIC KEY-----\n`,
      agentVersion: '1.0.0',
      ...(awake.has(status) && { heartbeatAt: at, leaseUntil: at }),
      ...(number % 40 === 0 && {
        quarantinedAt: at,
        fault: { at, code: 'start_failed', detail: 'No capacity.' },
      }),
      createdAt: at,
      tokenHash: 'h'.repeat(64),
      webhookSecret: `whsec_${'s'.repeat(40)}`,
    });
  }
  const { templates } = resourceStores(sealed, {
    now,
    newId: (prefix) => newId(prefix, addMs(at, made.length)),
  });
  const made: Template[] = [];
  for (let number = 1; number <= stock.templates; number += 1) {
    const script = `echo ${numbered(number)}\n`.padEnd(stock.scriptLength ?? 0, '#');
    const name = `template-${numbered(number)}`;
    made.push(
      await templates.create(
        projectId,
        templateInput.parse({ name, app: 'bash', script, tag: zoneOf(number) }),
      ),
    );
  }
  const [template] = made;
  if (!template) return items();
  const tasks = taskStore(sealed);
  const lines = lineStore(sealed);
  const queue = projectQueue(projectId, template.tag);
  for (let number = 1; number <= stock.waiting; number += 1) {
    const createdAt = addMs(at, number);
    const task = {
      id: newId('tsk', createdAt),
      projectId,
      templateId: template.id,
      templateName: template.name,
      app: template.app,
      message: `number ${numbered(number)}`,
      tag: template.tag,
      status: 'waiting' as const,
      attempt: 1,
      createdAt,
      createdBy: 'stock',
      queue,
      onRunnerLost: 'fail' as const,
      maxAttempts: 1,
    };
    await tasks.create(task);
    await lines.join(queue, inLineOf(task));
  }
  return items();
};
