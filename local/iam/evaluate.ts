/**
 * IAM's verdict on a request within one account. An explicit deny wins; without an allow, a request is
 * denied.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { byKey, type Context } from './conditions.ts';
import type { IdentityPolicy, ResourcePolicy, Statement } from './policy.ts';

export interface AccessRequest {
  /** ARN of the caller's role, or the name of a service: `scheduler.amazonaws.com`. */
  readonly principal: string;
  /** `dynamodb:GetItem` */
  readonly action: string;
  /** An ARN, or `*` for an action without resource types. */
  readonly resource: string;
  readonly context?: Context;
}

export interface ApplicablePolicies {
  readonly identityBased: IdentityPolicy;
  /** Policy of a resource whose policy must allow a request too: of a role to assume, or of a KMS key. */
  readonly resourceBased?: ResourcePolicy;
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

const denied: Verdict = { allowed: false, by: [] };

/** ARN by which a resource's policy leaves the decision to the identity-based policies of an account. */
const accountOf = (principal: string): string => principal.replace(/:role\/.*$/, ':root');

export const evaluate = (
  { principal, action, resource, context = {} }: AccessRequest,
  { identityBased, resourceBased }: ApplicablePolicies,
): Verdict => {
  const values = byKey(context);
  const grantsIn = ({ actions, resources, holds }: Statement): Grant[] => {
    const on = resources.filter(({ matches }) => matches(resource));
    const grants = actions
      .filter(({ matches }) => matches(action))
      .flatMap((granted) => on.map(({ text }) => ({ action: granted.text, resource: text })));
    return grants.length > 0 && holds(values) ? grants : [];
  };
  const applies = (statement: Statement): boolean => grantsIn(statement).length > 0;

  const account = accountOf(principal);
  const ofResource = resourceBased?.filter(
    ({ principals }) => principals.includes(principal) || principals.includes(account),
  );
  const denials = [...identityBased, ...(ofResource ?? [])].filter(({ effect }) => effect === 'Deny');
  if (denials.some(applies)) return denied;

  const by = identityBased.filter(({ effect }) => effect === 'Allow').flatMap(grantsIn);
  if (ofResource === undefined) return { allowed: by.length > 0, by };
  // A resource's policy that names the caller is enough; one that names the account lets that decide.
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
  const allows = ofResource.filter((statement) => statement.effect === 'Allow' && applies(statement));
  const isNamed = allows.some(({ principals }) => principals.includes(principal));
  return isNamed || (allows.length > 0 && by.length > 0) ? { allowed: true, by } : denied;
};
