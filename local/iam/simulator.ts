/** IAM's verdict over policies. The only module that imports the simulator, which is AGPL: docs/contributing/decisions/006. */
import { runSimulation, type Simulation } from '@cloud-copilot/iam-simulate';

export interface Question {
  /** Of the caller: a role's session. */
  readonly principalArn: string;
  readonly accountId: string;
  /** `dynamodb:GetItem` */
  readonly action: string;
  /** An ARN, or `*` for an action that knows no resources. */
  readonly resource: string;
  /** Condition keys and what the request has for them. */
  readonly context: Readonly<Record<string, string | string[]>>;
  /** The documents that the role has; one that allows is enough, unless one denies. */
  readonly policies: readonly unknown[];
  /** What the resource itself says: the trust policy of a role that is assumed, the policy of a key. */
  readonly resourcePolicy?: unknown;
}

/** An action on a resource as a policy's statement grants it, each as it stands there. */
export interface Grant {
  readonly action: string;
  readonly resource: string;
}

export interface Verdict {
  readonly allowed: boolean;
  /** The grants of the policies that allowed it; empty when it was not allowed, or by the resource's policy alone. */
  readonly by: readonly Grant[];
}

const listOf = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

const matching = <T extends { readonly matches: boolean }>(explained: T | T[] | undefined): readonly T[] =>
  listOf(explained).filter(({ matches }) => matches);

/**
 * Amazon's own parameters are in no account (`arn:aws:ssm:us-east-1::parameter/aws/service/…`), which the simulator does not know: for
 * it they are in one that nobody has.
 */
const amazon = '999999999999';
const intoAccount = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value).replaceAll(/(:ssm:[a-z0-9*-]*)::parameter/g, `$1:${amazon}:parameter`));
const outOfAccount = (arn: string): string => arn.replace(`:${amazon}:parameter`, '::parameter');

/** Throws when a policy is not one, or when AWS has no such action or no such resource for it. */
export const judge = async (question: Question): Promise<Verdict> => {
  const { principalArn, accountId, action, resource, context, policies, resourcePolicy } = question;
  const simulation: Simulation = {
    request: {
      principal: principalArn,
      action,
      resource: { resource: intoAccount(resource), accountId },
      contextVariables: { ...context },
    },
    identityPolicies: policies.map((policy, index) => ({ name: String(index), policy: intoAccount(policy) })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(resourcePolicy !== undefined && { resourcePolicy }),
  };
  const outcome = await runSimulation(simulation, {});
  if (outcome.resultType === 'error') {
    throw new Error(
      `IAM's rules cannot be applied to ${action} on ${resource}: ${JSON.stringify(outcome.errors)}`,
    );
  }
  const analyses =
    outcome.resultType === 'single'
      ? [outcome.result.analysis]
      : outcome.results.map(({ analysis }) => analysis);
  const by = analyses
    .flatMap(({ identityAnalysis }) => identityAnalysis?.allowStatements ?? [])
    .flatMap(({ explain }) =>
      matching(explain.actions).flatMap((granted) =>
        matching(explain.resources).map((on) => ({
          action: granted.action,
          resource: outOfAccount(on.resource),
        })),
      ),
    );
  const allowed = outcome.overallResult === 'Allowed';
  return { allowed, by: allowed ? by : [] };
};
