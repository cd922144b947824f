/**
 * IAM's verdict on policies. Only this module imports the simulator, which is AGPL:
 * docs/contributing/decisions/006.
 */
import { runSimulation, type Simulation } from '@cloud-copilot/iam-simulate';

export interface Question {
  /** ARN of the caller, a role's session. */
  readonly principalArn: string;
  readonly accountId: string;
  /** `dynamodb:GetItem` */
  readonly action: string;
  /** An ARN, or `*` for an action without resource types. */
  readonly resource: string;
  /** Condition keys and their values in the request. */
  readonly context: Readonly<Record<string, string | string[]>>;
  /** Policy documents of the role. One allow is enough, unless another denies. */
  readonly policies: readonly unknown[];
  /** Policy of the resource: the trust policy of an assumed role, or the policy of a key. */
  readonly resourcePolicy?: unknown;
}

/** An action on a resource, as a policy's statement writes them. */
export interface Grant {
  readonly action: string;
  readonly resource: string;
}

export interface Verdict {
  readonly allowed: boolean;
  /** Grants that allowed the action; empty after a denial, or when only the resource's policy allowed it. */
  readonly by: readonly Grant[];
}

const listOf = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

const matching = <T extends { readonly matches: boolean }>(explained: T | T[] | undefined): readonly T[] =>
  listOf(explained).filter(({ matches }) => matches);

/**
 * Account for Amazon's own parameters, which belong to none
 * (`arn:aws:ssm:us-east-1::parameter/aws/service/…`). The simulator needs one, so they get an unused id.
 */
const amazon = '999999999999';
const intoAccount = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value).replaceAll(/(:ssm:[a-z0-9*-]*)::parameter/g, `$1:${amazon}:parameter`));
const outOfAccount = (arn: string): string => arn.replace(`:${amazon}:parameter`, '::parameter');

/** Judges a question. Throws for an invalid policy, and for an action or resource that AWS does not have. */
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
