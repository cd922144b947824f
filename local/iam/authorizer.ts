/** Authorizes a role's calls by its policies in the template, narrowed by the session's policy. */
import { AwsError } from '../aws/call.ts';
import type { Principal } from '../gateway/principals.ts';
import type { KmsKeySpec, RoleSpec } from '../template/stack-spec.ts';
import { evaluate, type Grant } from './evaluate.ts';
import type { Need } from './needs.ts';
import {
  type IdentityPolicy,
  parseIdentityPolicy,
  parseResourcePolicy,
  type ResourcePolicy,
} from './policy.ts';

export interface AuthorizerOptions {
  /** Roles of the template; their trust policies decide which principals may assume them. */
  readonly roles: readonly RoleSpec[];
  /** Keys of the template. A key's own policy must let the account decide. */
  readonly kmsKeys?: readonly KmsKeySpec[];
  /** Runs the first time that a role uses a grant. */
  readonly onUse: (role: RoleSpec, grant: Grant) => void;
}

export interface Authorizer {
  /** Throws AWS's error, in the service's words, when the principal lacks a permission. */
  check(principal: Principal, needs: readonly Need[]): void;
  /** Checks that the role's trust policy lets an AWS service assume it. */
  checkTrust(role: RoleSpec, service: string, context: Readonly<Record<string, string>>): boolean;
}

/** Code and HTTP status of a denial by service (AWS: the error references of the services). */
const denials: Readonly<Record<string, readonly [code: string, status: number]>> = {
  dynamodb: ['AccessDeniedException', 400],
  kms: ['AccessDeniedException', 400],
  ec2: ['UnauthorizedOperation', 403],
  scheduler: ['AccessDeniedException', 403],
  lambda: ['AccessDeniedException', 403],
};
const otherDenial = ['AccessDenied', 403] as const;

const denial = ({ arn, role }: Principal, { action, resource }: Need, policy: string): AwsError => {
  const [service = ''] = action.split(':');
  const [code, status] = denials[service] ?? otherDenial;
  const intro = service === 'ec2' ? 'You are not authorized to perform this operation. ' : '';
  return new AwsError(
    code,
    `${intro}User: ${arn} is not authorized to perform: ${action} on resource: ${resource} ` +
      `because no ${policy} policy allows the ${action} action (role ${role.logicalId})`,
    status,
  );
};

/** Throws for a policy of the template that it cannot apply. */
export const makeAuthorizer = ({ roles, kmsKeys = [], onUse }: AuthorizerOptions): Authorizer => {
  const identityPolicies = new Map<RoleSpec, IdentityPolicy>();
  const resourcePolicies = new Map<string, ResourcePolicy>();
  const used = new Set<string>();

  const identityPolicyOf = (role: RoleSpec): IdentityPolicy => {
    const known = identityPolicies.get(role);
    if (known) return known;
    const policy = role.policies.flatMap(parseIdentityPolicy);
    identityPolicies.set(role, policy);
    return policy;
  };
  for (const role of roles) {
    identityPolicyOf(role);
    resourcePolicies.set(role.arn, parseResourcePolicy(role.trust));
  }
  for (const { arn, policy } of kmsKeys) resourcePolicies.set(arn, parseResourcePolicy(policy));

  /** Policy of a role to assume, or of a key: without one nobody may use it. Others have none here. */
  const resourcePolicyFor = ({ action, resource }: Need): ResourcePolicy | undefined =>
    action === 'sts:AssumeRole' || action.startsWith('kms:')
      ? (resourcePolicies.get(resource) ?? [])
      : undefined;

  const noteUse = (role: RoleSpec, by: readonly Grant[]): void => {
    for (const grant of by) {
      const key = JSON.stringify([role.logicalId, grant.action, grant.resource]);
      if (used.has(key)) continue;
      used.add(key);
      onUse(role, grant);
    }
  };

  return {
    check: (principal, needs) => {
      const { role, sessionPolicy } = principal;
      for (const need of needs) {
        const request = { principal: role.arn, ...need };
        const { allowed, by } = evaluate(request, {
          identityBased: identityPolicyOf(role),
          resourceBased: resourcePolicyFor(need),
        });
        if (!allowed) throw denial(principal, need, 'identity-based');
        if (sessionPolicy && !evaluate(request, { identityBased: sessionPolicy }).allowed) {
          throw denial(principal, need, 'session');
        }
        noteUse(role, by);
      }
    },
    checkTrust: ({ arn }, service, context) => {
      const need: Need = { action: 'sts:AssumeRole', resource: arn, context };
      const policies = { identityBased: [], resourceBased: resourcePolicyFor(need) };
      return evaluate({ principal: service, ...need }, policies).allowed;
    },
  };
};
