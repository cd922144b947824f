/** The whole stack on one machine: starts and stops everything in the synthesized template. */
import { mkdirSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { type Account, openAccount } from './aws/account.ts';
import { type FillIn, makeCustomResources } from './aws/custom-resources.ts';
import { makeDistribution } from './aws/distribution.ts';
import type { Ec2Control } from './aws/ec2/index.ts';
import type { Delays } from './aws/ec2/states.ts';
import { startEventSources } from './aws/event-sources.ts';
import type { SchedulerControl } from './aws/scheduler/index.ts';
import { readEnvironment } from './environment.ts';
import type { FaultControl } from './gateway/faults.ts';
import { openFrontDoor } from './gateway/front-door.ts';
import { makeHttpApi } from './gateway/http-api.ts';
import type { RequestCount, RequestSpan } from './gateway/requests.ts';
import type { Log } from './log-files.ts';
import { type Operator, writeOperator } from './operator-file.ts';
import type { Place } from './template/resource-ids.ts';
import { readSpecs, type Specs } from './template/specs.ts';
import type { StackSpec } from './template/stack-spec.ts';
import { type Context, localRegion as region, root, synthesize } from './template/synth.ts';

export interface LocalStackOptions {
  /** Folder of tables, instances and logs; created when missing. */
  readonly dataDir: string;
  /** Port of the API. @default 0, any free port */
  readonly port?: number;
  /** Delays of EC2's transitional states. @default none */
  readonly delays?: Partial<Delays>;
  /** Folder of the templates, from `synthesize`. @default synthesizes the context */
  readonly templateDir?: string;
  /** "context" of cdk.json for the synthesis. @default a fleet of each kind */
  readonly context?: Context;
  /** Receives the log lines of functions, instances and the stack itself. */
  readonly log?: Log;
  /** Receives each AWS request of functions, agents and clients when it has ended. */
  readonly onRequest?: (span: RequestSpan) => void;
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
  /** Maximum invocations of functions at a time; a new AWS account has 10. @default no limit */
  readonly concurrency?: number;
  /** Delays before each retry of an asynchronous invocation. @default Lambda's */
  readonly asyncRetryDelaysMs?: readonly number[];
  /** Grace period for agents when the whole stack stops. @default 2000 */
  readonly stopGraceMs?: number;
  /** Cancels a start in progress. */
  readonly signal?: AbortSignal;
}

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

/**
 * Starts the stack. Rejects with `EADDRINUSE` when the port is taken, and leaves nothing running after a
 * rejection.
 */
export const startStack = async (options: LocalStackOptions): Promise<LocalStack> => {
  const undo = new AsyncDisposableStack();
  try {
    return await start(options, undo);
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
};

const start = async (options: LocalStackOptions, undo: AsyncDisposableStack): Promise<LocalStack> => {
  const { log = () => {}, schedules = true } = options;
  const dataDir = resolve(options.dataDir);
  const environment = readEnvironment(process.env);
  mkdirSync(dataDir, { recursive: true });

  const frontDoor = await openFrontDoor(options.port ?? 0);
  undo.defer(frontDoor.stop);
  const templateDir = options.templateDir ?? (await synthesize(environment, options));
  const place: Place = { accountId, region, stackName, apiUrl: frontDoor.url };
  const specs = readSpecs(templateDir, place);
  const spec = specs.control;

  /** Fills placeholders once the functions of custom resources have run; those functions have none. */
  let fillIn: FillIn = (text) => text;
  const account = await openAccount(
    {
      specs,
      place,
      dataDir,
      environment,
      delays: { ...noDelays, ...options.delays },
      agentCommand: options.agentCommand ?? bundled('start'),
      enrollCommand: options.enrollCommand ?? bundled('enroll'),
      concurrency: options.concurrency,
      asyncRetryDelaysMs: options.asyncRetryDelaysMs,
      fillIn: (text) => fillIn(text),
      random: options.random ?? Math.random,
      onRequest: options.onRequest,
      log,
    },
    undo,
  );
  const { functions, ec2, scheduler } = account;
  const functionOf = (arn: string) => functions.withArn(arn).invoke;
  fillIn = await makeCustomResources({ specs: spec.customResources, place, functionOf });
  frontDoor.serve(makeListener(spec, account, fillIn));
  await startEventSources(spec, account, (line) => log('stack', line), undo);

  const invoke: LocalStack['invoke'] = async (prefix, event) => functions.withId(prefix).invoke(event);
  // The function itself detects the first start.
  const { token } = firstTokenAnswer.parse(await invoke('FirstToken', {}));

  // The functions of the deployment have done their work, and each worker takes 20 MB.
  await functions.stopIdle();

  undo.defer(() => ec2.stop(options.stopGraceMs ?? defaultStopGraceMs));
  ec2.resume();
  if (schedules) {
    account.bus.start();
    scheduler.start();
  }
  const operator = operatorOf(account, specs);
  undo.defer(writeOperator(dataDir, operator));
  return {
    ...controlOf(account),
    url: frontDoor.url,
    adminToken: token,
    operator,
    outputs: spec.outputs,
    invoke,
    stop: () => undo.disposeAsync(),
  };
};

/** Answers requests as CloudFront does; as the HTTP API does when the template has no distribution. */
const makeListener = (spec: StackSpec, account: Account, fillIn: FillIn): RequestListener => {
  const { functions, counter, s3 } = account;
  const httpApi = makeHttpApi({
    apiId,
    routes: spec.routes.map((route) => ({ ...route, invoke: functions.withArn(route.functionArn).invoke })),
    now: () => new Date(),
    onRequest: (route) => counter.add('http', 'apigateway', 'Request', { route }),
  });
  const { distribution } = spec;
  return distribution
    ? makeDistribution({ spec: distribution, httpApi, readFile: s3.read, fillIn })
    : httpApi;
};

const operatorOf = ({ gateway, principals }: Account, { control, table }: Specs): Operator => {
  const name = 'owner';
  const arn = `arn:aws:iam::${accountId}:role/${name}`;
  const everything = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
  };
  const role = { logicalId: 'Owner', name, arn, trust: {}, policies: [everything] };
  return {
    endpoint: gateway.url,
    region,
    credentials: principals.issue({ name, arn, role }),
    tableName: table.name,
    queueUrlPrefix:
      control.functions.flatMap(({ environment }) => environment.QUEUE_URL_PREFIX ?? [])[0] ?? '',
  };
};

/** Controls for tests, the demo and the start of the stack, beside AWS's own calls. */
const controlOf = ({ gateway, ec2, faults, scheduler, functions, counter }: Account) => ({
  gatewayUrl: gateway.url,
  region,
  ec2: ec2.control,
  faults: { set: faults.set, counts: faults.counts },
  scheduler: { list: scheduler.list, runDue: scheduler.runDue },
  killFunctionWorker: functions.killBusy,
  requests: counter.list,
  resetRequests: counter.reset,
  pullPlugs: ec2.pullPlugs,
});
