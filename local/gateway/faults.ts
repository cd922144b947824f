/**
 * Faults in the AWS calls of functions and agents, by rules of tests and the soak. Without rules there are no
 * faults.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AwsAnswer, type AwsCall, AwsError } from '../aws/call.ts';

/** A fault, its calls and its probability. */
export type FaultRule = {
  /** Service name in the credential scope (`dynamodb`, `sqs`, `ec2`…). @default every service */
  readonly service?: string;
  /** Operation such as `UpdateItem`. @default every operation */
  readonly operation?: string;
  /** Share of the matching calls that get the fault: 0 to 1. */
  readonly probability: number;
} & (
  | {
      /** Rejects the call before it has any effect. */
      readonly kind: 'error';
      /** @default the service's code for an internal error */
      readonly code?: string;
      /** @default 500 */
      readonly status?: number;
    }
  /** Executes the call after a delay. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Executes the call twice, as when a client retries a call that had arrived. */
  | { readonly kind: 'duplicate' }
  /** Executes the call, but answers with an error. */
  | { readonly kind: 'dropped' }
);

export interface FaultCount {
  readonly kind: FaultRule['kind'];
  readonly service: string;
  readonly operation: string;
  readonly count: number;
}

/** Control of a stack's faults, for tests. */
export interface FaultControl {
  /** Replaces the rules; an empty list ends all faults. */
  set(rules: readonly FaultRule[]): void;
  /** Returns the number of faults so far. */
  counts(): FaultCount[];
}

export interface Faults extends FaultControl {
  /** Makes a call with the fault of the first rule that hits. */
  around(call: AwsCall, play: () => Promise<AwsAnswer>): Promise<AwsAnswer>;
}

const internalError = ({ service }: AwsCall, code?: string, status = 500): AwsError => {
  const own = service === 'dynamodb' ? 'InternalServerError' : 'InternalError';
  return new AwsError(code ?? own, 'An injected fault.', status);
};

/** True for an injected error, which is no sign of a defect in a stand-in. */
export const isInjected = ({ message }: AwsError): boolean => message === 'An injected fault.';

/** Makes faults from rules. `random` returns numbers from 0 to 1; a seeded one makes a run repeatable. */
export const makeFaults = (random: () => number): Faults => {
  let rules: readonly FaultRule[] = [];
  const counted = new Map<string, FaultCount>();

  const note = ({ kind }: FaultRule, { service, operation }: AwsCall): void => {
    const key = `${kind} ${service} ${operation}`;
    counted.set(key, { kind, service, operation, count: (counted.get(key)?.count ?? 0) + 1 });
  };

  return {
    set: (given) => {
      rules = [...given];
    },
    counts: () => [...counted.values()],
    around: async (call, play) => {
      const rule = rules.find(
        ({ service = call.service, operation = call.operation, probability }) =>
          service === call.service && operation === call.operation && random() < probability,
      );
      if (!rule) return play();
      note(rule, call);
      switch (rule.kind) {
        case 'error':
          throw internalError(call, rule.code, rule.status);
        case 'delay':
          await sleep(rule.delayMs);
          return play();
        case 'duplicate':
          await play();
          return play();
        case 'dropped':
          await play();
          throw internalError(call);
      }
    },
  };
};
