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
