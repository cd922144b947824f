/** The functions of the stack: each has a pool of workers, and calls AWS with its role. */
import { randomUUID } from 'node:crypto';
import type { FillIn } from '../aws/custom-resources.ts';
import type { Principal, Principals } from '../gateway/principals.ts';
import type { RequestCounter } from '../gateway/requests.ts';
import type { Iam } from '../iam/index.ts';
import type { Log } from '../log-files.ts';
import type { FunctionSpec, StackSpec } from '../template/stack-spec.ts';
import { limitConcurrency } from './concurrency.ts';
import { functionEnvironment, type Invoke, makeFunctionPool } from './pool.ts';

export interface RunningFunction {
  readonly spec: FunctionSpec;
  readonly principal: Principal;
  readonly invoke: Invoke;
}

export interface Functions {
  /** Finds a function by its ARN; throws when the template has none. */
  withArn(arn: string): RunningFunction;
  /** Finds a function whose logical id begins with the prefix; throws when the template has none. */
  withId(logicalIdPrefix: string): RunningFunction;
  /** Kills a busy worker, if there is any; returns the label of its function. */
  killBusy(): string | undefined;
  /** Stops all idle workers. */
  stopIdle(): Promise<void>;
  stop(): Promise<void>;
}

export interface FunctionsOptions {
  readonly spec: Pick<StackSpec, 'functions' | 'place'>;
  readonly principals: Principals;
  readonly counter: RequestCounter;
  readonly iam: Pick<Iam, 'noteInvocation'>;
  /** URL of the gateway; read at each start of a worker. */
  readonly gatewayUrl: () => string;
  /** Replaces placeholders in the environment; called at each start of a worker. */
  readonly fillIn: FillIn;
  /** Maximum invocations at a time of all functions together. @default no limit */
  readonly concurrency?: number;
  readonly random: () => number;
  readonly log: Log;
}

export const makeFunctions = (options: FunctionsOptions): Functions => {
  const { spec, principals, counter, iam, gatewayUrl, fillIn, random, log } = options;
  const { accountId, region } = spec.place;
  const limited = limitConcurrency(options.concurrency ?? Number.POSITIVE_INFINITY);

  const all = spec.functions.map((fn) => {
    const arn = `arn:aws:sts::${accountId}:assumed-role/${fn.role.name}/${fn.name}`;
    const principal: Principal = { name: fn.label, arn, role: fn.role };
    const credentials = principals.issue(principal);
    const pool = makeFunctionPool(fn, {
      get environment() {
        const given = functionEnvironment(fn, credentials, region, gatewayUrl());
        return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, fillIn(value)]));
      },
      log: (line) => log(fn.label, line),
    });
    const invoke = limited(async (event) => {
      const traceId = `Root=${randomUUID()}`;
      const end = counter.add(fn.label, 'lambda', 'Invoke', { traceId });
      iam.noteInvocation(principal, fn);
      try {
        return await pool.invoke(event, traceId);
      } finally {
        end();
      }
    });
    return { spec: fn, principal, invoke, pool };
  });

  const find = (what: string, isIt: (fn: FunctionSpec) => boolean): RunningFunction => {
    const found = all.find((one) => isIt(one.spec));
    if (!found) throw new Error(`The template has no function ${what}.`);
    return found;
  };
  return {
    withArn: (arn) => find(arn, (fn) => fn.arn === arn),
    withId: (prefix) =>
      find(`whose logical id begins with ${prefix}`, ({ logicalId }) => logicalId.startsWith(prefix)),
    killBusy: () => {
      const busy = all.filter(({ pool }) => pool.isBusy());
      const victim = busy[Math.floor(random() * busy.length)];
      victim?.pool.killBusy();
      return victim?.spec.label;
    },
    stopIdle: async () => {
      await Promise.all(all.map(({ pool }) => pool.stopIdle()));
    },
    stop: async () => {
      await Promise.all(all.map(({ pool }) => pool.stop()));
    },
  };
};
