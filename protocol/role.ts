/** Role of a member in a project. The control plane's permission table defines the calls of each role. */
import * as z from 'zod';

/** Roles from least to most. */
export const roles = ['guest', 'task_runner', 'manager', 'owner'] as const;

export const role = z
  .enum(roles)
  .describe(
    '`guest` reads; `task_runner` also starts and stops tasks; `manager` also configures; `owner` also has members, tokens and the audit trail',
  );
export type Role = z.infer<typeof role>;

/** Role in a project; an admin of the stack is above all roles. */
export type EffectiveRole = Role | 'admin';

/** Caller, as far as permissions need. */
export interface Standing {
  readonly isAdmin: boolean;
  /** Roles by project. */
  readonly roles: Readonly<Record<string, Role>>;
}

/** Returns the role in a project; undefined: none. Without a project only an admin has one. */
export const roleIn = (
  { isAdmin, roles: own }: Standing,
  projectId: string | undefined,
): EffectiveRole | undefined =>
  isAdmin ? 'admin' : projectId !== undefined && Object.hasOwn(own, projectId) ? own[projectId] : undefined;

const ranks: readonly string[] = [...roles, 'admin'];

/** True when the access of an endpoint is a role, and not a machine's or everybody's. */
export const isEffectiveRole = (access: string): access is EffectiveRole => ranks.includes(access);

/** True when `role` is at least `least`. */
export const isAtLeast = (role: EffectiveRole | undefined, least: EffectiveRole): boolean =>
  role !== undefined && ranks.indexOf(role) >= ranks.indexOf(least);
