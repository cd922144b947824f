/** What a member may do in a project. What each role may call is in the control plane's table of permissions. */
import * as z from 'zod';

/** From the least to the most. */
export const roles = ['guest', 'task_runner', 'manager', 'owner'] as const;

export const role = z
  .enum(roles)
  .describe(
    '`guest` reads; `task_runner` also starts and stops tasks; `manager` also configures; `owner` also has members, tokens and the audit trail',
  );
export type Role = z.infer<typeof role>;
