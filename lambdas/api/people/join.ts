/** Makes a person a member by an invitation, by any way to prove that it is theirs. */

import type { Context } from 'hono';
import { pathOf } from '../../../protocol/endpoints/call.ts';
import { revokeInvitation } from '../../../protocol/endpoints/people.ts';
import { type Invitation, isAtLeast, roleIn } from '../../../protocol/index.ts';
import type { UserRecord } from '../../adapters/people/users.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';

/** Returns the valid invitations of an address into existing projects. */
export const pendingOf = async (
  deps: Pick<ApiDeps, 'projects' | 'invitations' | 'now'>,
  email: string,
): Promise<Invitation[]> => {
  const projects = await deps.projects.list();
  const pending = await Promise.all(projects.map(({ id }) => deps.invitations.list(id)));
  return pending.flat().filter((one) => one.email === email && one.validUntil > deps.now());
};

/** Gives and records the role of an accepted invitation, unless the person has it or a higher one. */
export const enterProject = async (
  deps: Pick<ApiDeps, 'users' | 'audit' | 'sourceOf'>,
  c: Context<ApiEnv>,
  user: UserRecord,
  { id, projectId, role }: Invitation,
): Promise<UserRecord> => {
  const has = isAtLeast(roleIn({ isAdmin: false, roles: user.roles }, projectId), role);
  const member = has ? user : await deps.users.setRole(user.id, projectId, role);
  await deps.audit.record(projectId, {
    actor: { id: user.id, name: user.name },
    operation: 'acceptInvitation',
    target: pathOf(revokeInvitation, { projectId, invitationId: id }),
    object: { kind: 'members', id: user.id, name: user.name },
    source: deps.sourceOf(c),
    requestId: c.get('requestId'),
  });
  return member ?? user;
};
