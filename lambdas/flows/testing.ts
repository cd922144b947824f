/**
 * Fixture of the flows: real stores over a real table, with manual time, queues and EC2, so that a test can
 * put faults and races between any two steps. test/ has the tests with all real parts.
 */
import { createHash } from 'node:crypto';
import {
  addMs,
  type ControlDoorbell,
  type DiskShortage,
  type Doorbell,
  heartbeatRequest,
  type Instant,
  msBetween,
  type RunnerInput,
  runnerInput,
  type Template,
} from '../../protocol/index.ts';
import { pricedSessions, priceStore } from '../adapters/costs/prices.ts';
import { fleetPlaces } from '../adapters/fleets/fleet-places.ts';
import type { LaunchOrder } from '../adapters/fleets/launches.ts';
import { newId } from '../adapters/ids.ts';
import { logTo } from '../adapters/log.ts';
import { passPlaceStore } from '../adapters/pass-places.ts';
import { agentTokens } from '../adapters/runners/agent-tokens.ts';
import type { InstanceFacts, InstanceState, LaunchedFacts } from '../adapters/runners/instance-facts.ts';
import type { Instances } from '../adapters/runners/instances.ts';
import type { StartsRequest } from '../adapters/runners/power-requests.ts';
import { poolOf, type RunnerRecord } from '../adapters/runners/runner-record.ts';
import { runnerStore } from '../adapters/runners/runners.ts';
import { sessionStore } from '../adapters/runners/sessions.ts';
import type { StartOutcome } from '../adapters/runners/start-instances.ts';
import { startQueue } from '../adapters/runners/start-queue.ts';
import { makeKeyPair, seal } from '../adapters/secrets/payload-encryption.ts';
import { oneSigningKey } from '../adapters/secrets/signed-tokens.ts';
import type { Table } from '../adapters/table.ts';
import { limitStore } from '../adapters/tasks/limits.ts';
import { lineStore } from '../adapters/tasks/lines.ts';
import { logStore } from '../adapters/tasks/logs.ts';
import { nameRefusedMs } from '../adapters/tasks/queue-names.ts';
import { taskStore } from '../adapters/tasks/tasks.ts';
import { circuitStore } from '../adapters/webhooks/circuits.ts';
import { deliveryStore } from '../adapters/webhooks/deliveries.ts';
import type { PricedType } from '../core/costs/prices.ts';
import { type FleetPlan, fleetsText } from '../core/fleets/fleets.ts';
import { runnerSources } from '../core/runners/runner-state.ts';
import { noon } from '../core/testing.ts';
import { heartbeat } from './runners/heartbeat.ts';
import { followInstance } from './runners/instance-state.ts';
import { wake } from './runners/power.ts';
import { createRunner } from './runners/runner-setup.ts';
import { claimTask } from './tasks/claim.ts';
import { startTask } from './tasks/start-task.ts';

const { publicKey } = makeKeyPair();

/** The person who starts the tasks. */
export const aStarter = { name: 'test', people: ['usr_test'] };

export type FlowFixture = ReturnType<typeof flowFixture>;

export const flowFixture = (table: Table) => {
  let present: Instant = noon;
  let receiverIsUp = true;
  const projectId = newId('prj');
  const project = {
    id: projectId,
    name: 'bench',
    maxParallelTasks: 0,
    logRetentionDays: 90,
    createdAt: noon,
  };
  const rung: { queue: string; doorbell: Doorbell | ControlDoorbell }[] = [];
  const queues = new Set<string>();
  const removed = new Map<string, Instant>();
  const sent: string[] = [];
  const retries: { id: string; delaySeconds?: number; tries?: number }[] = [];
  const powerRequests: string[] = [];
  const startRequests: StartsRequest[] = [];
  const calls: string[] = [];
  const states = new Map<string, InstanceState>();
  const startedAt = new Map<string, Instant>();
  const refusals = new Map<string, StartOutcome>();
  const templates = new Map<string, Template>();
  const orders: LaunchOrder[] = [];
  const launched = new Map<string, LaunchedFacts & Pick<LaunchOrder, 'apiUrl'>>();
  const noCapacity = new Set<LaunchOrder['market']>();
  const runners = runnerStore(table);

  const owners = new Map<string, string>();
  const impaired = new Set<string>();
  const factsOf = (instanceId: string): InstanceFacts | undefined => {
    const state = states.get(instanceId);
    return (
      state && {
        instanceId,
        state,
        instanceType: 't4g.small',
        stack: 'Reveille',
        launchedAt: startedAt.get(instanceId) ?? launched.get(instanceId)?.launchedAt,
        stateReason: undefined,
        owner: owners.get(instanceId),
      }
    );
  };
  const instances: Instances = {
    start: async ({ instanceId = '' }) => {
      calls.push(`start ${instanceId}`);
      const refusal = refusals.get(instanceId);
      if (refusal) return refusal;
      if (states.get(instanceId) === 'stopping') return { started: false, code: 'still_stopping' };
      states.set(instanceId, 'pending');
      return { started: true };
    },
    startAll: async ({ region, instanceIds }) => {
      const atFault = new Map<string, StartOutcome>();
      for (const instanceId of instanceIds) {
        const outcome = await instances.start({ region, instanceId });
        if (!outcome.started) atFault.set(instanceId, outcome);
      }
      if (atFault.size === 0) return { started: true };
      return { started: false, code: 'refused', awsCode: 'Refused', detail: 'Refused', atFault };
    },
    stop: async ({ instanceId = '' }, options) => {
      calls.push(`${options?.hibernate ? 'hibernate' : 'stop'} ${instanceId}`);
      states.set(instanceId, 'stopping');
      return true;
    },
    describe: async ({ instanceId = '' }) => factsOf(instanceId),
    listAwake: async () =>
      [...states.keys()]
        .flatMap((instanceId) => factsOf(instanceId) ?? [])
        .filter(({ state }) => state !== 'stopped' && state !== 'terminated'),
    describeAll: async ({ instanceIds }) => instanceIds.flatMap((instanceId) => factsOf(instanceId) ?? []),
    listImpaired: async () => [...impaired],
    terminate: async ({ instanceId = '' }) => {
      calls.push(`terminate ${instanceId}`);
      states.set(instanceId, 'shutting-down');
      return true;
    },
    launch: async (order) => {
      orders.push(order);
      if (noCapacity.has(order.market))
        return {
          launched: false,
          awsCode: 'InsufficientInstanceCapacity',
          awsCodes: ['InsufficientInstanceCapacity'],
          detail: 'No room.',
        };
      const instanceId = `i-${createHash('sha256').update(order.clientToken).digest('hex').slice(0, 17)}`;
      const { market, fleet, runner, apiUrl, instanceTypes } = order;
      const [instanceType] = instanceTypes;
      const base = { instanceId, instanceType, market, launchedAt: present, stateReason: undefined };
      const facts = { ...base, stack: 'Reveille' };
      if (!states.has(instanceId)) states.set(instanceId, 'pending');
      launched.set(instanceId, { ...facts, state: 'pending', fleet, runner, apiUrl });
      return { launched: true, instanceId, instanceType, market };
    },
    listLaunched: async ({ apiUrl, runner }) =>
      [...launched.values()]
        .filter((facts) => facts.apiUrl === apiUrl && (runner === undefined || facts.runner === runner))
        .map((facts) => ({ ...facts, state: states.get(facts.instanceId) ?? facts.state }))
        .filter(({ state }) => state !== 'terminated' && state !== 'shutting-down'),
  };

  const prices = priceStore(table);
  /** Prices by type in the price list; undefined makes it unreachable. */
  const priceList = {
    has: new Map<string, number>() as Map<string, number> | undefined,
    asked: [] as string[],
  };

  const deps = {
    now: () => present,
    askPrice: async ({ region, instanceType }: PricedType) => {
      priceList.asked.push(`${instanceType} in ${region}`);
      if (!priceList.has) throw new Error('Rate exceeded');
      return priceList.has.get(instanceType);
    },
    newId,
    log: logTo(() => undefined),
    runners,
    passPlaces: passPlaceStore(table),
    tasks: taskStore(table),
    fleetPlaces: fleetPlaces(table, () => present),
    fleets: [] as FleetPlan[],
    limits: limitStore(table),
    lines: lineStore(table),
    starts: startQueue(table, () => present),
    startSoon: async (request: StartsRequest) => void startRequests.push(request),
    pause: async (ms: number) => {
      present = addMs(present, ms);
    },
    logs: logStore(table, () => present),
    deliveries: deliveryStore(table),
    circuits: circuitStore(table),
    prices,
    sessions: pricedSessions(sessionStore(table), prices),
    queues: {
      urlOf: (queue: string) => `https://sqs.test/${queue}`,
      create: async (queue: string) => {
        const removedAt = removed.get(queue);
        if (removedAt && msBetween(removedAt, present) < nameRefusedMs) return false;
        queues.add(queue);
        return true;
      },
      remove: async (queue: string) => {
        if (queues.delete(queue)) removed.set(queue, present);
      },
      ring: async (queue: string, doorbell: Doorbell | ControlDoorbell) => {
        if (!queues.has(queue)) return false;
        rung.push({ queue, doorbell });
        return true;
      },
    },
    settlePowerSoon: async ({ id }: { id: string }) => void powerRequests.push(id),
    sendWebhook: async ({ id, url }: { id: string; url: string }) => {
      sent.push(`${id.split('_')[3]} ${url}`);
      return { at: present, durationMs: 1, ...(receiverIsUp ? { statusCode: 204 } : { error: 'refused' }) };
    },
    retryWebhook: async ({ id }: { id: string }, options?: { delaySeconds: number; tries: number }) =>
      void retries.push({ id, ...options }),
    instances,
    agentTokens: agentTokens(oneSigningKey(new Uint8Array(32)), () => present),
    seal,
    apiUrl: 'https://api.test',
    region: 'us-east-1',
    stackName: 'Reveille',
    recordSecretUse: async () => undefined,
    readForTask: async (_: string, id: string) => {
      const template = templates.get(id);
      return template && { template, project };
    },
    readInventory: async () => undefined,
    readTaskParts: async ({ templateId }: { templateId: string }) => {
      const template = templates.get(templateId);
      return template && { template, edits: [] };
    },
  };

  const reload = async (runner: Pick<RunnerRecord, 'id' | 'projectId'>): Promise<RunnerRecord> => {
    const found = await runners.get(poolOf(runner), runner.id);
    if (!found) throw new Error('the runner is gone');
    return found;
  };
  const agentOf = (runner: RunnerRecord) => ({ pool: poolOf(runner), runnerId: runner.id });

  return {
    deps,
    projectId,
    project,
    /** Effects outside the table. */
    rung,
    queues,
    sent,
    retries,
    powerRequests,
    startRequests,
    priceList,
    calls,
    reload,
    agentOf,
    pass: (ms: number) => {
      present = addMs(present, ms);
    },
    setReceiver: (isUp: boolean) => {
      receiverIsUp = isUp;
    },
    /** Makes the instance fail EC2's status checks. */
    impair: ({ instanceId = '' }: RunnerRecord) => impaired.add(instanceId),
    /** Tags the instance with its owner. */
    keepFor: ({ instanceId = '' }: RunnerRecord, owner: string) => owners.set(instanceId, owner),
    /** Requests to CreateFleet. */
    orders,
    noCapacity,
    addFleet: (fields: Partial<FleetPlan> = {}): FleetPlan => {
      const fleet = { name: 'sydney', region: 'ap-southeast-2', instanceTypes: ['t4g.small'] };
      const given = { ...fleet, idleTimeoutMs: 60_000, maxInstances: 3, ...fields };
      const [plan] = fleetsText.parse({ stack: 'Reveille', fleets: [given] }).fleets;
      if (!plan) throw new Error('no fleet');
      deps.fleets.push(plan);
      return plan;
    },
    refuseStart: (instanceId: string, outcome: StartOutcome) => refusals.set(instanceId, outcome),

    addTemplate: (overrides: Partial<Template> = {}): Template => {
      const template: Template = {
        id: newId('tpl'),
        projectId,
        name: 'deploy',
        app: 'bash',
        script: 'true',
        launch: [],
        confirmedBy: 'anyone',
        arguments: [],
        timeoutMs: 60_000,
        stopGraceMs: 10_000,
        onDrain: 'finish',
        onRunnerLost: 'retry',
        maxAttempts: 3,
        priority: 0,
        maxParallelTasks: 0,
        createdAt: noon,
        ...overrides,
      };
      templates.set(template.id, template);
      return template;
    },

    change: (template: Template, changes: Partial<Template>): Template => {
      const changed = { ...template, ...changes };
      templates.set(template.id, changed);
      return changed;
    },

    addRunner: async (
      input: Partial<RunnerInput> = {},
      more: Pick<RunnerRecord, 'instanceNamedBy'> = {},
    ): Promise<RunnerRecord> => {
      const keyPair = input.fleet ? { publicKey: '', tokenHash: '' } : { publicKey, tokenHash: 'hash' };
      const made = { id: newId('run'), projectId, ...keyPair, ...more, webhookSecret: 'whsec_x' };
      if (input.fleet) await deps.fleetPlaces.take(input.fleet, projectId, [made.id], 100);
      const result = await createRunner(deps, runnerInput.parse({ name: made.id, ...input }), made);
      if (!result.ok) throw new Error(result.code);
      if (input.instanceId) states.set(input.instanceId, 'stopped');
      return result.runner;
    },

    start: async (template: Template) => {
      const task = await startTask(deps, projectId, { templateId: template.id }, aStarter);
      if (!task) throw new Error('no such template');
      return task;
    },

    /** Sets the instance as EC2 describes it from now on, without an event. */
    setInstance: (runner: RunnerRecord, state: InstanceState, launchedAt?: Instant) => {
      const instanceId = runner.instanceId ?? '';
      states.set(instanceId, state);
      if (launchedAt) startedAt.set(instanceId, launchedAt);
      return factsOf(instanceId);
    },

    /** Sends the state of a runner's instance as an event, as `instance-events` receives it. */
    instanceBecomes: async (runner: RunnerRecord, state: InstanceState) => {
      states.set(runner.instanceId ?? '', state);
      const facts = await instances.describe(runner);
      await followInstance(deps, await reload(runner), facts, present);
    },

    /** Without `claims`, the agent knows every claim, or has just started where its runner is not online. */
    beat: async (
      runner: RunnerRecord,
      tasks: readonly { id: `tsk_${string}`; attempt?: number }[] = [],
      claims?: number,
      lowDisk?: DiskShortage,
      credentialVersion?: number,
    ) => {
      const current = await reload(runner);
      const isFirst = runnerSources('heartbeat').includes(current.status);
      return heartbeat(
        deps,
        { ...agentOf(runner), credentialVersion },
        heartbeatRequest.parse({
          agentVersion: '0.1.0',
          claims: claims ?? (isFirst ? undefined : current.claims),
          lowDisk,
          tasks: tasks.map(({ id, attempt = 1 }) => ({ projectId, taskId: id, attempt })),
        }),
      );
    },

    claim: (runner: RunnerRecord, task: { id: `tsk_${string}` }) =>
      claimTask(deps, agentOf(runner), { projectId, taskId: task.id }),

    /** Does the work of the start webhook's receiver. */
    wake: async (runner: RunnerRecord) => wake(deps, await reload(runner)),
  };
};
