/** One AWS account on this machine: the stand-ins of its services, the functions, and their connections. */
import { join } from 'node:path';
import type { Environment } from '../environment.ts';
import { type Functions, makeFunctions } from '../functions/functions.ts';
import { type Faults, makeFaults } from '../gateway/faults.ts';
import { type Gateway, startGateway } from '../gateway/gateway.ts';
import { makePrincipals, type Principals } from '../gateway/principals.ts';
import { countRequests, type RequestCounter, type RequestSpan } from '../gateway/requests.ts';
import { type Iam, makeIam } from '../iam/index.ts';
import type { Log } from '../log-files.ts';
import type { Place } from '../template/resource-ids.ts';
import type { Specs } from '../template/specs.ts';
import { makeAsyncInvoker } from './async-invoke.ts';
import type { FillIn } from './custom-resources.ts';
import { buryWith } from './dead-letters.ts';
import { startDynamoDb } from './dynamodb.ts';
import { type Ec2, type Ec2Options, openEc2 } from './ec2/index.ts';
import type { Instance } from './ec2/store.ts';
import { type BusEvent, type EventBus, makeEventBus, passesOn } from './event-bus.ts';
import { makeKms } from './kms.ts';
import { makeLambda } from './lambda.ts';
import { playPriceList } from './price-list.ts';
import { type S3, startS3 } from './s3.ts';
import { openScheduler, type Scheduler } from './scheduler/index.ts';
import { type Sqs, startSqs } from './sqs.ts';
import { makeSts } from './sts.ts';

export interface AccountOptions extends Pick<Ec2Options, 'agentCommand' | 'enrollCommand' | 'delays'> {
  readonly specs: Specs;
  readonly place: Place;
  readonly dataDir: string;
  readonly environment: Environment;
  /** Replaces placeholders in the functions' environment; called at each start of a worker. */
  readonly fillIn: FillIn;
  /** Maximum invocations of functions at a time. @default no limit */
  readonly concurrency?: number;
  /** Delays before each retry of an asynchronous invocation. @default Lambda's */
  readonly asyncRetryDelaysMs?: readonly number[];
  readonly random: () => number;
  /** Receives each AWS request of functions, agents and clients when it has ended. */
  readonly onRequest?: (span: RequestSpan) => void;
  readonly log: Log;
}

export interface Account {
  readonly principals: Principals;
  readonly counter: RequestCounter;
  readonly faults: Faults;
  readonly sqs: Sqs;
  readonly s3: S3;
  readonly ec2: Ec2;
  readonly iam: Iam;
  readonly functions: Functions;
  readonly scheduler: Scheduler;
  readonly bus: EventBus;
  readonly gateway: Gateway;
}

/** Opens the account. No instance, schedule or rule runs yet: `ec2`, `scheduler` and `bus` start later. */
export const openAccount = async (options: AccountOptions, undo: AsyncDisposableStack): Promise<Account> => {
  const { specs, place, dataDir, environment, fillIn, random, log } = options;
  const { accountId, region } = place;
  const { control, launchWorld } = specs;
  const nowMs = () => Date.now();
  const now = () => new Date();
  const counter = countRequests(options.onRequest);
  const principals = makePrincipals(nowMs);
  const faults = makeFaults(random);

  const dynamoDb = await startDynamoDb(control.tables, join(dataDir, 'dynamodb'));
  undo.defer(dynamoDb.stop);
  const sqs = await startSqs(region, control.queues, nowMs);
  undo.defer(sqs.stop);
  const s3 = await startS3(region, control.buckets);
  undo.defer(s3.stop);

  const ec2 = openEc2({
    dataDir,
    region,
    accountId,
    stackName: specs.stackName,
    launchWorld,
    delays: options.delays,
    agentCommand: options.agentCommand,
    enrollCommand: options.enrollCommand,
    issue: issueWith(principals, specs, place),
    stsEndpoint: () => gateway.url,
    path: environment.PATH,
    now,
    onEvent: (event) => {
      if (reachesBus(event, specs, place)) bus.put(event);
    },
    onChange: ({ instance }) => log('ec2', `${instance.id} is ${instance.state}`),
  });
  const iam = makeIam({
    spec: control,
    tagsOf: (id) => ec2.control.list().find((instance) => instance.id === id)?.tags,
    launchTemplateOf: (name, of) =>
      launchWorld.launchTemplates.find((one) => one.name === name && one.region === of),
    recordsDir: environment.REVEILLE_IAM_RECORDS,
    onDenied: (message) => log('stack', message),
  });
  const functions = makeFunctions({
    spec: control,
    principals,
    counter,
    iam,
    gatewayUrl: () => gateway.url,
    fillIn,
    concurrency: options.concurrency,
    random,
    log,
  });
  const bury = buryWith({ functions, queues: control.queues, iam, sqs });
  const { deliver, stop: stopRetries } = makeAsyncInvoker({
    functionOf: (arn) => functions.withArn(arn).invoke,
    bury: (...failed) => bury(...failed).catch((error: unknown) => log('stack', String(error))),
    retriesMaxOf: (arn) => functions.withArn(arn).spec.asyncRetriesMax,
    retryDelaysMs: options.asyncRetryDelaysMs,
  });
  undo.defer(stopRetries);
  const scheduler = openScheduler({
    path: join(dataDir, 'scheduler', 'schedules.json'),
    spec: control,
    place,
    iam,
    faults,
    deliver,
    sendMessage: sqs.call,
    nowMs,
    log: (line) => log('stack', line),
  });
  undo.defer(scheduler.stop);
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
      lambda: makeLambda({ functions: new Set(control.functions.map(({ arn }) => arn)), deliver }),
      kms: makeKms(
        join(dataDir, 'kms', 'keys.json'),
        control.kmsKeys.map(({ arn }) => arn),
      ),
      ec2: ec2.service,
      pricing: playPriceList,
      scheduler: scheduler.service,
      sts: makeSts(control.roles, principals, accountId, nowMs),
    },
    onFailure: (message) => log('stack', message),
  });
  undo.defer(gateway.stop);
  // Stops before the gateway, which the functions call.
  undo.defer(functions.stop);
  for (const arn of control.rules.flatMap(({ targetArns }) => targetArns)) functions.withArn(arn);
  const bus = makeEventBus({ rules: control.rules, place, deliver, now });
  undo.defer(bus.stop);

  return { principals, counter, faults, sqs, s3, ec2, iam, functions, scheduler, bus, gateway };
};

/** Issues the credentials of an instance's role; undefined without such a role. */
const issueWith =
  (principals: Principals, { launchWorld }: Specs, { accountId }: Place): Ec2Options['issue'] =>
  (instance: Instance, expiresAtMs) => {
    const role = launchWorld.launchTemplates.find((one) => one.role.name === instance.roleName)?.role;
    // The session name of an instance's role is the instance id (AWS: IAM roles for Amazon EC2).
    const arn = `arn:aws:sts::${accountId}:assumed-role/${role?.name}/${instance.id}`;
    return role && principals.issue({ name: instance.id, arn, role }, expiresAtMs);
  };

/** True if the control plane's bus gets the event: it is of its region, or a rule of a fleet passes it on. */
const reachesBus = (event: BusEvent, { fleets }: Specs, place: Place): boolean => {
  const inItsRegion = fleets.filter(({ place: { region } }) => region === event.region);
  const rules = inItsRegion.flatMap((one) => one.rules);
  return event.region === place.region || passesOn(rules, place, event);
};
