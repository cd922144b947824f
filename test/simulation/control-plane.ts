/** The control plane over simulated AWS: the real flows and stores, called as in the functions' handlers. */

import { Webhook } from 'standardwebhooks';
import { ulid } from 'ulid';
import * as z from 'zod';
import { pricedSessions, priceStore } from '../../lambdas/adapters/costs/prices.ts';
import { fleetPlaces } from '../../lambdas/adapters/fleets/fleet-places.ts';
import type { NewId } from '../../lambdas/adapters/ids.ts';
import { logTo } from '../../lambdas/adapters/log.ts';
import { passPlaceStore } from '../../lambdas/adapters/pass-places.ts';
import type { AgentTokens, Lease } from '../../lambdas/adapters/runners/agent-tokens.ts';
import { seenEnrolments } from '../../lambdas/adapters/runners/enrolments.ts';
import { runnerPowerRequest, type StartsRequest } from '../../lambdas/adapters/runners/power-requests.ts';
import { poolOf, type RunnerRef } from '../../lambdas/adapters/runners/runner-record.ts';
import { runnerStore } from '../../lambdas/adapters/runners/runners.ts';
import { sessionStore } from '../../lambdas/adapters/runners/sessions.ts';
import { startQueue } from '../../lambdas/adapters/runners/start-queue.ts';
import type { Table } from '../../lambdas/adapters/table.ts';
import { limitStore } from '../../lambdas/adapters/tasks/limits.ts';
import { lineStore } from '../../lambdas/adapters/tasks/lines.ts';
import { logStore } from '../../lambdas/adapters/tasks/logs.ts';
import { taskStore } from '../../lambdas/adapters/tasks/tasks.ts';
import { circuitStore } from '../../lambdas/adapters/webhooks/circuits.ts';
import { deliveryStore } from '../../lambdas/adapters/webhooks/deliveries.ts';
import { ownByInvocation } from '../../lambdas/adapters/webhooks/own-webhooks.ts';
import type { SendWebhook } from '../../lambdas/adapters/webhooks/webhook-sender.ts';
import { firstRetry, retryOf } from '../../lambdas/core/webhooks/retry-policy.ts';
import type { PriceDeps } from '../../lambdas/flows/costs/refresh-prices.ts';
import type { Deps } from '../../lambdas/flows/deps.ts';
import { type ReconcileDeps, reconcile } from '../../lambdas/flows/reconcile/reconcile.ts';
import type { EnrollDeps } from '../../lambdas/flows/runners/enroll.ts';
import { followEvent } from '../../lambdas/flows/runners/instance-event.ts';
import { settlePower, sleepWithoutWork, wake } from '../../lambdas/flows/runners/power.ts';
import { runBatches } from '../../lambdas/flows/runners/start-turns.ts';
import { retry } from '../../lambdas/flows/webhooks/deliver.ts';
import { receiveWebhook } from '../../lambdas/flows/webhooks/receive.ts';
import {
  type Delivery,
  epochMs,
  type Inventory,
  type Project,
  type ProjectId,
  projectId,
  runnerId,
  type Template,
  toInstant,
} from '../../protocol/index.ts';
import type { Chance } from './chance.ts';
import type { Faults } from './faults.ts';
import type { Invoke, Run } from './function-run.ts';
import { type SimulatedEc2, simulatedFleets } from './simulated-ec2.ts';
import { identifyCaller } from './simulated-enrolment.ts';
import type { SimulatedQueues } from './simulated-queues.ts';
import type { SimulatedTable } from './simulated-table.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Platform {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly faults: Faults;
  readonly table: SimulatedTable;
  readonly queues: SimulatedQueues;
  readonly ec2: SimulatedEc2;
  readonly invoke: Invoke;
  readonly trace: (line: string) => void;
  /** Reports a webhook that was verified and is acted on. */
  readonly webhookTaken: (id: string, timestamp: string) => void;
  /** Receives a webhook for a URL outside the stack. */
  readonly receiveElsewhere: (url: string, delivery: Pick<Delivery, 'body'>) => void;
}

const apiUrl = 'https://api.test';
/** Function timeouts of the stack. */
const timeouts = { http: 29_000, event: 30_000, reconcile: 60_000 };
const workQueueVisibilityMs = 180_000;
const webhookTries = 10;

const deliveryRef = z.object({ projectId, id: z.string(), tries: z.int() });
const token = z.object({ kind: z.string(), untilMs: z.number(), claims: z.unknown() });

/** Tokens without a signature: forged tokens are out of the simulation's scope. */
const plainTokens = (time: VirtualTime): AgentTokens => {
  const sign = async (kind: string, claims: unknown, untilMs: number) =>
    JSON.stringify({ kind, claims, untilMs });
  const verify = async <T extends z.ZodType>(kind: string, schema: T, text: string) => {
    const parsed = token.safeParse(JSON.parse(text));
    const claims = schema.safeParse(parsed.data?.claims);
    if (parsed.data?.kind !== kind || !claims.success) return { ok: false, code: 'invalid' } as const;
    if (parsed.data.untilMs <= time.nowMs()) return { ok: false, code: 'expired' } as const;
    return { ok: true, claims: claims.data } as const;
  };
  const agent = z.object({
    pool: z.union([projectId, z.literal('global')]),
    runnerId,
    agentId: z.string().optional(),
    credentialVersion: z.int().optional(),
  });
  const lease: z.ZodType<Lease> = agent.extend({
    projectId,
    taskId: z.templateLiteral(['tsk_', z.string()]),
    attempt: z.int(),
  });
  return {
    signAnswer: (claims) => sign('answer', claims, time.nowMs() + 60_000),
    verifyAnswer: (text) => verify('answer', agent, text),
    signSession: (claims, until) => sign('session', claims, epochMs(until)),
    verifySession: (text) => verify('session', agent, text),
    signLease: (claims, until) => sign('lease', claims, epochMs(until)),
    verifyLease: (text) => verify('lease', lease, text),
  };
};

const tableOf = (run: Run, table: SimulatedTable, reportUnreadable: Table['reportUnreadable']): Table => ({
  reportUnreadable,
  get: (key) => run.call(`get ${key.sk}`, () => table.get(key)),
  batchGet: (keys) =>
    keys.length === 0 ? Promise.resolve([]) : run.call('batchGet', () => table.batchGet(keys)),
  put: (item, conditions) => run.call(`put ${item.sk}`, () => table.put(item, conditions)),
  update: (key, update, conditions, returns) =>
    run.call(`update ${key.sk}`, () => table.update(key, update, conditions, returns)),
  remove: (key, conditions) => run.call(`remove ${key.sk}`, () => table.remove(key, conditions)),
  transact: (writes) => run.call('transact', () => table.transact(writes)),
  query: (query) => run.call('query', () => table.query(query)),
  queryLive: async function* (kind, prefix, atMost) {
    yield* await run.call('query the live index', () => table.queryLive(kind, prefix, atMost));
  },
});

export type ControlPlane = ReturnType<typeof createControlPlane>;
export type RunDeps = Deps & EnrollDeps & PriceDeps & ReconcileDeps;

export const createControlPlane = (platform: Platform) => {
  const { time, chance, faults, table, queues, ec2, invoke, trace } = platform;
  const templates = new Map<string, Template>();
  const inventories = new Map<string, Inventory>();
  /** Maximum parallel tasks of a project, for projects with a limit. */
  const projectLimits = new Map<ProjectId, number>();
  const projectOf = (id: ProjectId): Project => ({
    id,
    name: 'simulated',
    maxParallelTasks: projectLimits.get(id) ?? 0,
    logRetentionDays: 90,
    createdAt: toInstant(0),
  });
  const repairs: Record<string, number> = {};
  const agentTokens = plainTokens(time);
  const newId: NewId = (prefix, at) =>
    `${prefix}_${ulid(at === undefined ? time.nowMs() : epochMs(at), chance.random)}`;

  const depsOf = (run: Run): RunDeps => {
    const stored = tableOf(run, table, ({ message }) => trace(`${run.functionName}: skipped. ${message}`));
    const prices = priceStore(stored);
    return {
      now: time.now,
      newId,
      log: logTo((message, about) => trace(`${run.functionName}: ${message} ${JSON.stringify(about)}`)),
      recordSecretUse: async () => undefined,
      readTemplate: (_, id) => run.call('read template', () => templates.get(id)),
      readForTask: (owner, id) =>
        run.call('read template', () => {
          const template = templates.get(id);
          return template && { template, project: projectOf(owner) };
        }),
      readInventory: (_, id) => run.call('read inventory', () => inventories.get(id)),
      readTaskParts: ({ templateId }) =>
        run.call('read parts', () => {
          const template = templates.get(templateId);
          return template && { template, edits: [] };
        }),
      runners: runnerStore(stored),
      passPlaces: passPlaceStore(stored),
      tasks: taskStore(stored),
      limits: limitStore(stored),
      lines: lineStore(stored),
      logs: logStore(stored, time.now),
      deliveries: deliveryStore(stored),
      circuits: circuitStore(stored),
      prices,
      sessions: pricedSessions(sessionStore(stored), prices),
      // Some types are missing from the list.
      askPrice: ({ instanceType }) =>
        run.call(`GetProducts ${instanceType}`, () => (chance.random() < 0.2 ? undefined : 1_000_000)),
      queues: {
        urlOf: (queue) => queue,
        create: (queue) => run.call(`create queue ${queue}`, () => queues.create(queue)),
        remove: (queue) => run.call(`remove queue ${queue}`, () => queues.remove(queue)),
        ring: (queue, doorbell) => run.call('ring', () => queues.send(queue, JSON.stringify(doorbell))),
      },
      settlePowerSoon: async (runner) => {
        await run.call('invoke runner-power', () => settleLater(runner));
      },
      starts: startQueue(stored, time.now),
      startSoon: async (request) => {
        if (run.functionName === 'runner-power') await runBatches(depsOf(run), request);
        else await run.call('invoke runner-power', () => startLater(request));
      },
      pause: run.sleep,
      sendWebhook: ownByInvocation({
        now: time.now,
        apiUrl,
        invoke: (body) => run.call('invoke runner-power', () => settleOwn(body)),
        overHttp: (delivery, secret) => sendWebhook(run, delivery, secret),
      }),
      retryWebhook: async ({ projectId, id }, { delaySeconds, tries } = firstRetry) => {
        const body = JSON.stringify({ projectId, id, tries });
        await run.call('send retry', () => queues.send('webhook-retries', body, delaySeconds * 1000));
      },
      instances: {
        start: () => Promise.reject(new Error('Only Semaphore hooks start an instance by itself.')),
        startAll: ({ instanceIds }) =>
          run.call(`StartInstances ${instanceIds.length}`, () => ec2.startAll(instanceIds)),
        describeAll: ({ instanceIds }) =>
          run.call(`DescribeInstances ${instanceIds.length}`, () => ec2.describeAll(instanceIds)),
        stop: ({ instanceId = '' }) => run.call(`StopInstances ${instanceId}`, () => ec2.stop(instanceId)),
        describe: ({ instanceId = '' }) =>
          run.call(`DescribeInstances ${instanceId}`, () => ec2.describe(instanceId)),
        listAwake: () => run.call('DescribeInstances', () => ec2.listAwake()),
        listImpaired: () => run.call('DescribeInstanceStatus', () => ec2.listImpaired()),
        launch: (order) => run.call(`CreateFleet ${order.fleet}`, () => ec2.launch(order)),
        terminate: ({ instanceId = '' }) =>
          run.call(`TerminateInstances ${instanceId}`, () => ec2.terminate(instanceId)),
        listLaunched: ({ runner }) => run.call('DescribeInstances of fleets', () => ec2.listLaunched(runner)),
      },
      fleets: simulatedFleets,
      identifyCaller,
      enrolments: seenEnrolments(stored),
      accountId: 'simulated',
      fleetPlaces: fleetPlaces(stored, time.now),
      agentTokens,
      seal: async (plainText) => plainText,
      apiUrl,
      region: 'us-east-1',
      stackName: 'Simulated',
    };
  };

  const sendWebhook = async (
    run: Run,
    delivery: Parameters<SendWebhook>[0],
    secret: string,
  ): ReturnType<SendWebhook> => {
    const at = time.now();
    const timedOut = { at, durationMs: 10_000, error: 'no answer within 10 s' };
    if (faults.hit('webhook lost')) {
      await run.sleep(10_000);
      return timedOut;
    }
    await run.sleep(faults.hit('webhook slow') ? chance.between(2000, 25_000) : chance.between(5, 40));
    const rawBody = JSON.stringify({ ...delivery.body, sent_at: at });
    const headers = {
      'webhook-id': delivery.id,
      'webhook-timestamp': String(Math.floor(epochMs(at) / 1000)),
      'webhook-signature': new Webhook(secret).sign(delivery.id, new Date(epochMs(at)), rawBody),
    };
    const arrive = () => arrived(delivery, headers, rawBody);
    if (faults.hit('webhook duplicated')) {
      time.after(chance.between(0, 90_000), () => void arrive());
    }
    const statusCode = await Promise.race([arrive(), run.sleep(10_000)]);
    return statusCode === undefined ? timedOut : { at, durationMs: 20, statusCode };
  };

  /** The receiver passes its webhooks on to the stack, which verifies them as its own. */
  const arrived = async (
    delivery: Pick<Delivery, 'url' | 'body'>,
    headers: { readonly 'webhook-id': string; readonly 'webhook-timestamp': string },
    rawBody: string,
  ): Promise<number> => {
    platform.receiveElsewhere(delivery.url, delivery);
    const { action } = delivery.body;
    return invoke(`task-${action}`, timeouts.http, async (run) => {
      const deps = depsOf(run);
      const received = await receiveWebhook(deps, action, { headers, rawBody });
      if (!received.ok) return 401;
      platform.webhookTaken(headers['webhook-id'], headers['webhook-timestamp']);
      await (action === 'start' ? wake(deps, received.runner) : sleepWithoutWork(deps, received.runner));
      return 204;
    }).catch(() => 500);
  };

  /**
   * Invokes a function as Lambda does for an asynchronous invocation: two retries (AWS: error handling for
   * asynchronous invocation).
   */
  const invokeAsync = async (functionName: string, handle: (run: Run) => Promise<void>): Promise<void> => {
    for (let tries = 0; tries < 3; tries++) {
      const done = await invoke(functionName, timeouts.event, async (run) => {
        await handle(run);
        return true;
      }).catch(() => false);
      if (done) return;
      await time.sleep(60_000 * (tries + 1));
    }
  };

  /** Invokes `runner-power` without a wait: Lambda answers once it has the event, and reports no result. */
  const invokePowerLater = (handle: (run: Run) => Promise<void>): void => {
    if (faults.hit('event lost')) return;
    const settle = () => void invokeAsync('runner-power', handle);
    const copies = faults.hit('event duplicated') ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      time.after(faults.hit('event late') ? chance.between(1000, 30_000) : chance.between(2, 80), settle);
    }
  };
  const settleLater = (ref: RunnerRef): void =>
    invokePowerLater(async (run) => {
      const deps = depsOf(run);
      const runner = await deps.runners.get(poolOf(ref), ref.id);
      if (runner) await settlePower(deps, runner);
    });
  const settleOwn = (body: object): void =>
    invokePowerLater(async (run) => {
      const request = runnerPowerRequest.parse(body);
      if (!('runner_id' in request)) throw new Error('It is no webhook.');
      const deps = depsOf(run);
      const runner = await deps.runners.find(request.project_id, request.runner_id);
      if (runner) await settlePower(deps, runner);
    });
  const startLater = (request: StartsRequest): void =>
    invokePowerLater((run) => runBatches(depsOf(run), request));

  queues.consume('webhook-retries', workQueueVisibilityMs, webhookTries, (message) =>
    invoke('webhook-retry', timeouts.event, async (run) => {
      const ref = deliveryRef.parse(JSON.parse(message.body));
      const options = retryOf(ref.tries + message.receives, webhookTries);
      if ((await retry(depsOf(run), ref, options)) === 'settled') return true;
      const waitMs = options.delaySeconds * 1000;
      await run.call('hide', () => queues.hide('webhook-retries', message.receipt, waitMs));
      return false;
    }),
  );

  const onInstanceEvent = (
    instanceId: string,
    state: string,
    at: string,
    kind = 'EC2 Instance State-change Notification',
  ): Promise<void> =>
    invokeAsync('instance-events', async (run) => {
      const detail = { 'instance-id': instanceId, state };
      await followEvent(depsOf(run), { time: at, 'detail-type': kind, detail });
    });

  const reconcileOnce = () =>
    invoke('reconcile', timeouts.reconcile, (run) => reconcile(depsOf(run))).then(
      (done) => {
        for (const [kind, count] of Object.entries(done)) repairs[kind] = (repairs[kind] ?? 0) + count;
      },
      (error: unknown) => trace(`reconcile failed: ${String(error)}`),
    );

  const everyMinute = () => {
    time.after(60_000, everyMinute);
    if (faults.hit('reconciliation skipped')) return;
    void reconcileOnce();
    if (faults.hit('reconciliation twice at once')) void reconcileOnce();
  };
  time.after(chance.between(1000, 60_000), everyMinute);

  return {
    apiUrl,
    newId,
    templates,
    inventories,
    projectLimits,
    projectOf,
    repairs,
    poolOf,
    agentTokens,
    onInstanceEvent,
    reconcileOnce,
    /** Handles a request as the API function. */
    api: <T>(name: string, handle: (deps: RunDeps) => Promise<T>): Promise<T> =>
      invoke(`api ${name}`, timeouts.http, (run) => handle(depsOf(run))),
  };
};
