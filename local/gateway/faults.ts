/** Faults in the AWS calls of functions and agents, as the tests and the soak ask for them; without rules there are none. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AwsAnswer, type AwsCall, AwsError } from '../aws/call.ts';

/** What may happen to a call, and how often. */
export type FaultRule = {
  /** By the name in the credential scope (`dynamodb`, `sqs`, `ec2`…). @default every service */
  readonly service?: string;
  /** Such as `UpdateItem`. @default every operation */
  readonly operation?: string;
  /** Of the calls that the rule is about: 0 to 1. */
  readonly probability: number;
} & (
  | {
      /** Refused before anything is done. */
      readonly kind: 'error';
      /** @default what the service says when the fault is its own */
      readonly code?: string;
      /** @default 500 */
      readonly status?: number;
    }
  /** Done, but late. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Done twice, as when a client tries again what had arrived. */
  | { readonly kind: 'duplicate' }
  /** Done, and answered as if it had failed. */
  | { readonly kind: 'dropped' }
);

export interface FaultCount {
  readonly kind: FaultRule['kind'];
  readonly service: string;
  readonly operation: string;
  readonly count: number;
}

/** What a test may do with the faults of a stack. */
export interface FaultControl {
  /** Replaces the rules; an empty list ends all faults. */
  set(rules: readonly FaultRule[]): void;
  /** What has happened so far. */
  counts(): FaultCount[];
}

export interface Faults extends FaultControl {
  /** Makes a call by way of the rules: the first that hits decides. */
  around(call: AwsCall, play: () => Promise<AwsAnswer>): Promise<AwsAnswer>;
}

const internalError = ({ service }: AwsCall, code?: string, status = 500): AwsError => {
  const own = service === 'dynamodb' ? 'InternalServerError' : 'InternalError';
  return new AwsError(code ?? own, 'An injected fault.', status);
};

/** Whether an error was injected, and so tells of nothing that is wrong in a stand-in. */
export const isInjected = ({ message }: AwsError): boolean => message === 'An injected fault.';

/** `random` gives numbers from 0 to 1; a seeded one makes a run that can be repeated. */
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
