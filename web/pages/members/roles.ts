/** Names of the roles in the console. */
import type { Role } from '../../../protocol/index.ts';

export const roleNames: Readonly<Record<Role, string>> = {
  guest: 'Guest: reads',
  task_runner: 'Task runner: also starts and stops tasks',
  manager: 'Manager: also configures',
  owner: 'Owner: also has members, tokens and the audit trail',
};
