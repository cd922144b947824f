/** Compares the grants of the template's roles with those that a test run used, as a readable table. */
import { grantsOf, type Use } from '../../local/iam/records.ts';
import type { RoleSpec } from '../../local/template/stack-spec.ts';

export interface RoleReport {
  readonly role: string;
  readonly granted: number;
  readonly used: number;
  /** `action on resource`, as the policies write it. */
  readonly unused: readonly string[];
}

const key = ({ action, resource }: Pick<Use, 'action' | 'resource'>): string => `${action} on ${resource}`;

/**
 * True if the local stack plays the role's principal. EC2 itself is not played: its instances have a role for
 * Session Manager.
 */
export const isPlayed = ({ trust }: Pick<RoleSpec, 'trust'>): boolean =>
  !JSON.stringify(trust).includes('"ec2.amazonaws.com"');

export const reportOf = (roles: readonly RoleSpec[], uses: readonly Use[]): RoleReport[] =>
  roles.filter(isPlayed).map((role) => {
    const granted = [...new Set(grantsOf(role).map(key))];
    const used = new Set(uses.filter((use) => use.role === role.logicalId).map(key));
    const unused = granted.filter((grant) => !used.has(grant));
    return { role: role.logicalId, granted: granted.length, used: granted.length - unused.length, unused };
  });

export const print = (reports: readonly RoleReport[], log: (line: string) => void): void => {
  log(`${'role'.padEnd(44)} granted  used  unused`);
  for (const { role, granted, used, unused } of reports) {
    const [grantedText, usedText, unusedText] = [granted, used, unused.length].map(String);
    log(`${role.padEnd(44)} ${grantedText?.padStart(7)} ${usedText?.padStart(5)} ${unusedText?.padStart(7)}`);
    for (const grant of unused) log(`  unused: ${grant}`);
  }
};
