/** The whole stack on one machine: starts and stops everything in the synthesized template. */
import { mkdirSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { makeAsyncInvoker } from './aws/async-invoke.ts';
import { type FillIn, makeCustomResources } from './aws/custom-resources.ts';
import { makeDistribution } from './aws/distribution.ts';
import { startDynamoDb } from './aws/dynamodb.ts';
import { type Ec2, type Ec2Control, openEc2 } from './aws/ec2/index.ts';
import type { Delays } from './aws/ec2/states.ts';
import { type EventBus, passesOn, startEventBus } from './aws/event-bus.ts';
import { startEventSource } from './aws/event-sources.ts';
import { makeKms } from './aws/kms.ts';
import { makeLambda } from './aws/lambda.ts';
import { playPriceList } from './aws/price-list.ts';
import { startS3 } from './aws/s3.ts';
import { openScheduler, type SchedulerControl } from './aws/scheduler/index.ts';
import { startSqs } from './aws/sqs.ts';
import { makeSts } from './aws/sts.ts';
import { readEnvironment } from './environment.ts';
import { functionEnvironment, type Invoke, makeFunctionPool } from './functions/pool.ts';
import { type FaultControl, makeFaults } from './gateway/faults.ts';
import { startGateway } from './gateway/gateway.ts';
import { makeHttpApi } from './gateway/http-api.ts';
import { type Credentials, makePrincipals, type Principal } from './gateway/principals.ts';
import { countRequests, type RequestCount } from './gateway/requests.ts';
import { listenOnLoopback, stopServer } from './http-server.ts';
import { makeIam } from './iam/index.ts';
import { readTemplate } from './template/file.ts';
import type { Place } from './template/resource-ids.ts';
import type { StackSpec } from './template/stack-spec.ts';
import { type Context, localRegion as region, root, synthesize, templatesIn } from './template/synth.ts';
import { interpret } from './template/template.ts';

export interface LocalStackOptions {
  /** Folder of tables, instances and logs; created when missing. */
  readonly dataDir: string;
  /** Port of the API. @default 0, any free port */
  readonly port?: number;
  /** Delays of EC2's transitional states. @default none */
  readonly delays?: Partial<Delays>;
  /** Folder that `synthesize` has filled, for a faster start. @default synthesizes into the data folder */
  readonly templateDir?: string;
  /** "context" of cdk.json for the synthesis. @default a fleet of each kind */
  readonly context?: Context;
  /** Receives the log lines of functions, instances and the stack itself. */
  readonly log?: Log;
  /** Returns the command line that starts an agent with that config file. @default the bundled agent */
  readonly agentCommand?: (configFile: string) => readonly string[];
  /**
   * Returns the command line that enrols a fleet's instance and writes that config file. @default the bundled
   * agent's
   */
  readonly enrollCommand?: (configFile: string) => readonly string[];
  /** Runs scheduled rules and schedules by the clock. @default true */
  readonly schedules?: boolean;
  /** Decides which calls get a fault; returns numbers from 0 to 1. @default Math.random */
  readonly random?: () => number;
  /** Delays before each retry of an asynchronous invocation. @default Lambda's */
  readonly asyncRetryDelaysMs?: readonly number[];
  /** Grace period for agents when the whole stack stops. @default 2000 */
  readonly stopGraceMs?: number;
  /** Cancels a start in progress. */
  readonly signal?: AbortSignal;
}

/** `source` is a function's label, `ec2`, or `stack`. */
export type Log = (source: string, line: string) => void;

export interface LocalStack {
  /** URL of the API, without a trailing slash. */
  readonly url: string;
  /** AWS endpoint of functions and agents. */
  readonly gatewayUrl: string;
  readonly region: string;
  /** Admin token; only at the first start with the data folder. */
  readonly adminToken?: string;
  readonly ec2: Ec2Control;
  /** Faults in the AWS calls of functions and agents, for tests. */
  readonly faults: FaultControl;
  /** EventBridge Scheduler, for tests: can run now what is due at another time. */
  readonly scheduler: SchedulerControl;
  readonly outputs: StackSpec['outputs'];
  /** Access of the account's owner: full access to AWS, and the table's name. */
  readonly operator: Operator;
  /** Returns the AWS requests since the last reset, by principal. */
  requests(): RequestCount[];
  resetRequests(): void;
  /** Invokes the function whose logical id begins with this prefix. */
  invoke(logicalIdPrefix: string, event: unknown): Promise<unknown>;
  /** Kills a function's worker, a busy one if there is any; returns the function's label. */
  killFunctionWorker(): string | undefined;
  /** Stops all servers, workers and agents. */
  stop(): Promise<void>;
  /** Kills the agents immediately, for a process that cannot wait. */
  pullPlugs(): void;
}

export interface Operator {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
  readonly tableName: string;
}

/** Account id of fauxqs. */
const accountId = '000000000000';
const stackName = 'Reveille';
const apiId = 'local';

const firstTokenAnswer = z.object({ token: z.string().optional() });

/** Ctrl-C must end everything within five seconds. */
const defaultStopGraceMs = 2000;

const noDelays: Delays = { pendingMs: 0, bootMs: 0, stoppingMs: 0 };

const bundled =
  (command: 'start' | 'enroll') =>
  (configFile: string): string[] => [
    process.execPath,
    join(root, 'dist', 'runner-agent', 'reveille-runner.mjs'),
    command,
    '--config',
    configFile,
    '--work-dir',
    join(dirname(configFile), 'work'),
  ];
const bundledAgent = bundled('start');
const bundledEnrolment = bundled('enroll');

/**
 * Starts the stack. Rejects with `EADDRINUSE` when the port is taken, and leaves nothing running after a
 * rejection.
 */
export const startStack = async (options: LocalStackOptions): Promise<LocalStack> => {
  const undo: (() => unknown)[] = [];
  const undoAll = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await start(options, undo, undoAll);
  } catch (error) {
    await undoAll();
    throw error;
  }
};

const ownerOf = (account: string): Principal => {
  const name = 'owner';
  const arn = `arn:aws:iam::${account}:role/${name}`;
  const everything = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
  };
  return { name, arn, role: { logicalId: 'Owner', name, arn, trust: {}, policies: [everything] } };
};

const start = async (
  options: LocalStackOptions,
  undo: (() => unknown)[],
  stop: () => Promise<void>,
): Promise<LocalStack> => {
  const { log = () => {}, agentCommand = bundledAgent, schedules = true } = options;
  const dataDir = resolve(options.dataDir);
  const environment = readEnvironment(process.env);
  mkdirSync(dataDir, { recursive: true });

  const api = createServer();
  const apiReady = Promise.withResolvers<RequestListener>();
  api.on('request', async (request, response) => (await apiReady.promise)(request, response));
  const port = await listenOnLoopback(api, options.port ?? 0);
  undo.push(() => stopServer(api));

  const templateDir = options.templateDir ?? join(dataDir, 'cdk.out');
  if (options.templateDir === undefined)
    await synthesize(templateDir, environment, options.signal, options.context);
  const templates = templatesIn(templateDir);
  const place: Place = { accountId, region, stackName, apiUrl: `http://localhost:${port}` };
  const read = (path: string, of: Place) => {
    const { template, assets } = readTemplate(path);
    return interpret(template, assets, of);
  };
  const spec = read(templates.control.path, place);
  const [table] = spec.tables;
  const keyArns = spec.kmsKeys.map(({ arn }) => arn);
  const isElsewhere = (arn: string | undefined) => arn !== undefined && !keyArns.includes(arn);
  if (!table || spec.functions.some(({ environment: { SECRETS_KEY_ARN } }) => isElsewhere(SECRETS_KEY_ARN))) {
    throw new Error(
      'The stack on one machine makes its own table and key, and takes none that are in AWS: leave out tableName and secretsKeyArn.',
    );
  }
  const fleetSpecs = templates.fleets.map((one) => read(one.path, { ...place, ...one }));
  const launchWorld = {
    launchTemplates: fleetSpecs.flatMap(({ launchTemplates }) => launchTemplates),
    subnets: fleetSpecs.flatMap(({ subnets }) => subnets),
  };

  const now = () => new Date();
  const nowMs = () => Date.now();
  const counter = countRequests();
  const principals = makePrincipals(nowMs);

  const dynamoDb = await startDynamoDb(spec.tables, join(dataDir, 'dynamodb'));
  undo.push(dynamoDb.stop);
  const sqs = await startSqs(region, spec.queues, nowMs);
  undo.push(sqs.stop);
  const s3 = await startS3(region, spec.buckets);
  undo.push(s3.stop);

  let bus: EventBus | undefined;
  const ec2: Ec2 = openEc2({
    dataDir,
    region,
    accountId,
    stackName: templates.control.stackName,
    delays: { ...noDelays, ...options.delays },
    agentCommand,
    enrollCommand: options.enrollCommand ?? bundledEnrolment,
    launchWorld,
    issue: (instance, expiresAtMs) => {
      const role = launchWorld.launchTemplates.find((one) => one.role.name === instance.roleName)?.role;
      // The session name of an instance's role is the instance id (AWS: IAM roles for Amazon EC2).
      const arn = `arn:aws:sts::${accountId}:assumed-role/${role?.name}/${instance.id}`;
      return role && principals.issue({ name: instance.id, arn, role }, expiresAtMs);
    },
    stsEndpoint: () => gateway.url,
    path: environment.PATH,
    now,
    onEvent: (event) => {
      const inItsRegion = fleetSpecs.filter(({ place: { region: of } }) => of === event.region);
      const rules = inItsRegion.flatMap((one) => one.rules);
      if (event.region === region || passesOn(rules, place, event)) bus?.put(event);
    },
    onChange: ({ instance }) => log('ec2', `${instance.id} is ${instance.state}`),
  });
  const iam = makeIam({
    spec,
    tagsOf: (id) => ec2.control.list().find((instance) => instance.id === id)?.tags,
    launchTemplateOf: (name, of) =>
      launchWorld.launchTemplates.find((one) => one.name === name && one.region === of),
    recordsDir: environment.REVEILLE_IAM_RECORDS,
    onDenied: (message) => log('stack', message),
  });
  const random = options.random ?? Math.random;
  const faults = makeFaults(random);
  /**
   * Sends a failed event to the dead-letter queue, in the format of Lambda's destinations (AWS: Capturing
   * records of Lambda asynchronous invocations).
   */
  const bury = async (functionArn: string, requestPayload: unknown, error: unknown): Promise<void> => {
    const { fn, principal } = poolOf(functionArn);
    const queue = spec.queues.find(({ arn }) => arn === fn.failuresArn);
    if (!queue) return;
    await iam.check(principal, [{ action: 'sqs:SendMessage', resource: queue.arn }]);
    const errorMessage = error instanceof Error ? error.message : String(error);
    const requestContext = { functionArn, condition: 'RetriesExhausted' };
    const MessageBody = JSON.stringify({ requestContext, requestPayload, responsePayload: { errorMessage } });
    await sqs.call('SendMessage', { QueueUrl: queue.url, MessageBody });
  };
  const invoker = makeAsyncInvoker({
    functionOf: (arn) => functionOf(arn),
    bury: (...failed) => bury(...failed).catch((error: unknown) => log('stack', String(error))),
    retriesMaxOf: (arn) => poolOf(arn).fn.asyncRetriesMax,
    retryDelaysMs: options.asyncRetryDelaysMs,
  });
  undo.push(invoker.stop);
  const scheduler = openScheduler({
    path: join(dataDir, 'scheduler', 'schedules.json'),
    spec,
    place,
    iam,
    faults,
    deliver: invoker.deliver,
    sendMessage: sqs.call,
    nowMs,
    log: (line) => log('stack', line),
  });
  undo.push(scheduler.stop);
  const gateway = await startGateway({
    faults,
    principals,
    counter,
    authorize: iam.authorize,
    nowMs,
    services: {
      dynamodb: dynamoDb.service,
      sqs: sqs.service,
      s3: s3.service,
      lambda: makeLambda({
        functions: new Set(spec.functions.map(({ arn }) => arn)),
        deliver: invoker.deliver,
      }),
      kms: makeKms(join(dataDir, 'kms', 'keys.json'), keyArns),
      ec2: ec2.service,
      pricing: playPriceList,
      scheduler: scheduler.service,
      sts: makeSts(spec.roles, principals, accountId, nowMs),
    },
    onFailure: (message) => log('stack', message),
  });
  undo.push(gateway.stop);

  /** Fills placeholders once the functions of custom resources have run; those functions have none. */
  let fillIn: FillIn = (text) => text;
  const pools = spec.functions.map((fn) => {
    const principal: Principal = {
      name: fn.label,
      arn: `arn:aws:sts::${accountId}:assumed-role/${fn.role.name}/${fn.name}`,
      role: fn.role,
    };
    const credentials = principals.issue(principal);
    const pool = makeFunctionPool(fn, {
      // Read at each start of a sandbox: functions of custom resources return some values.
      get environment() {
        const given = functionEnvironment(fn, credentials, region, gateway.url);
        return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, fillIn(value)]));
      },
      log: (line) => log(fn.label, line),
    });
    undo.push(pool.stop);
    const invoke: Invoke = (event) => {
      counter.add(fn.label, 'lambda', 'Invoke');
      iam.noteInvocation(principal, fn);
      return pool.invoke(event);
    };
    return { fn, principal, invoke, pool };
  });
  const poolOf = (arn: string) => {
    const found = pools.find(({ fn }) => fn.arn === arn);
    if (!found) throw new Error(`The template has no function ${arn}.`);
    return found;
  };
  const functionOf = (arn: string): Invoke => poolOf(arn).invoke;

  fillIn = await makeCustomResources({ specs: spec.customResources, place, functionOf });
  const makeListener = () => {
    const httpApi = makeHttpApi({
      apiId,
      routes: spec.routes.map((route) => ({ ...route, invoke: functionOf(route.functionArn) })),
      now,
      onRequest: () => counter.add('http', 'apigateway', 'Request'),
    });
    const { distribution } = spec;
    return distribution
      ? makeDistribution({ spec: distribution, httpApi, readFile: s3.read, fillIn })
      : httpApi;
  };
  apiReady.resolve(makeListener());

  for (const source of spec.eventSources) {
    const queue = spec.queues.find(({ arn }) => arn === source.queueArn);
    if (!queue) throw new Error(`The template has no queue ${source.queueArn}.`);
    const { fn, principal, invoke } = poolOf(source.functionArn);
    await iam.checkEventSource(principal, queue.arn);
    const eventSource = startEventSource({
      spec: source,
      queueUrl: queue.url,
      region,
      call: sqs.call,
      invoke,
      onRequest: (operation) => counter.add(`${fn.label} (event source)`, 'sqs', operation),
      log: (line) => log('stack', line),
    });
    undo.push(eventSource.stop);
  }

  for (const { targetArns } of spec.rules) targetArns.forEach(functionOf);
  bus = startEventBus({
    rules: spec.rules.filter(({ schedule }) => schedules || schedule === undefined),
    place,
    deliver: invoker.deliver,
    now,
  });
  undo.push(bus.stop);

  const invoke: LocalStack['invoke'] = async (logicalIdPrefix, event) => {
    const found = pools.find(({ fn }) => fn.logicalId.startsWith(logicalIdPrefix));
    if (!found)
      throw new Error(`The template has no function whose logical id begins with ${logicalIdPrefix}.`);
    return found.invoke(event);
  };

  // The function itself detects the first start.
  const { token: adminToken } = firstTokenAnswer.parse(await invoke('FirstToken', {}));

  undo.push(() => ec2.stop(options.stopGraceMs ?? defaultStopGraceMs));
  ec2.resume();
  if (schedules) scheduler.start();

  return {
    url: place.apiUrl,
    gatewayUrl: gateway.url,
    region,
    ...(adminToken !== undefined && { adminToken }),
    ec2: ec2.control,
    operator: {
      endpoint: gateway.url,
      region,
      credentials: principals.issue(ownerOf(accountId)),
      tableName: table.name,
    },
    faults: { set: faults.set, counts: faults.counts },
    scheduler: { list: scheduler.list, runDue: scheduler.runDue },
    killFunctionWorker: () => {
      const busy = pools.filter(({ pool }) => pool.isBusy());
      const victim = busy[Math.floor(random() * busy.length)];
      victim?.pool.killBusy();
      return victim?.fn.label;
    },
    outputs: spec.outputs,
    requests: counter.list,
    resetRequests: counter.reset,
    invoke,
    stop,
    pullPlugs: ec2.pullPlugs,
  };
};
