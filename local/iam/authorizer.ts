/** Authorizes a role's calls by its policies in the template, narrowed by the session's policy. */
import { AwsError } from '../aws/call.ts';
import type { Principal } from '../gateway/principals.ts';
import type { KmsKeySpec, RoleSpec } from '../template/stack-spec.ts';
import type { Need } from './needs.ts';
import { type Grant, judge, type Verdict } from './simulator.ts';

export interface AuthorizerOptions {
  readonly accountId: string;
  /** Roles of the template; their trust policies decide which principals may assume them. */
  readonly roles: readonly RoleSpec[];
  /** Keys of the template. A key's own policy must let the account decide. */
  readonly kmsKeys?: readonly KmsKeySpec[];
  /** Runs the first time that a role uses a grant. */
  readonly onUse: (role: RoleSpec, grant: Grant) => void;
}

export interface Authorizer {
  /** Throws AWS's error, in the service's words, when the principal lacks a permission. */
  check(principal: Principal, needs: readonly Need[]): Promise<void>;
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

/** Maximum cached verdicts; a stack repeats some dozens of questions. */
const maxRemembered = 10_000;

export const makeAuthorizer = ({ accountId, roles, kmsKeys = [], onUse }: AuthorizerOptions): Authorizer => {
  const verdicts = new Map<string, Promise<Verdict>>();
  const used = new Set<string>();
  /** Policies of resources, by ARN. */
  const policyOf = new Map<string, unknown>([
    ...roles.map(({ arn, trust }) => [arn, trust] as const),
    ...kmsKeys.map(({ arn, policy }) => [arn, policy] as const),
  ]);

  const ask = (principal: Principal, need: Need, by: 'role' | 'session'): Promise<Verdict> => {
    const { role, sessionPolicy } = principal;
    const { action, resource, context = {} } = need;
    // Sessions with the same role and session policy get the same verdict, whatever their names.
    const key = JSON.stringify([by, role.arn, by === 'session' && sessionPolicy, action, resource, context]);
    const known = verdicts.get(key);
    if (known) return known;
    if (verdicts.size >= maxRemembered) verdicts.clear();
    const verdict = judge({
      principalArn: principal.arn,
      accountId,
      action,
      resource,
      context,
      policies: by === 'session' ? [sessionPolicy] : role.policies,
      ...(by === 'role' && policyOf.has(resource) && { resourcePolicy: policyOf.get(resource) }),
    });
    verdicts.set(key, verdict);
    return verdict;
  };

  const noteUse = (role: RoleSpec, { by }: Verdict): void => {
    for (const grant of by) {
      const key = JSON.stringify([role.logicalId, grant.action, grant.resource]);
      if (used.has(key)) continue;
      used.add(key);
      onUse(role, grant);
    }
  };

  return {
    check: async (principal, needs) => {
      for (const need of needs) {
        const verdict = await ask(principal, need, 'role');
        if (!verdict.allowed) throw denial(principal, need, 'identity-based');
        if (principal.sessionPolicy !== undefined) {
          const { allowed } = await ask(principal, need, 'session');
          if (!allowed) throw denial(principal, need, 'session');
        }
        noteUse(principal.role, verdict);
      }
    },
  };
};
