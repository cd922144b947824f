/** Routes of people: those of the stack (for admins), and those of a project. */
import * as endpoints from '../../../protocol/endpoints/people.ts';
import type { Member, ProjectId } from '../../../protocol/index.ts';
import { publicUser, type UserRecord } from '../../adapters/people/users.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuse, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { everywhere, nothing, revokeIssuedCredentials, revokePending } from './issued-credentials.ts';

/** A person without any role. */
const nobody = (id: string) => ({ id, ...nothing });

/** For admins: every person who can sign in. */
export const userRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>()
    .openapi(routeOf(endpoints.listUsers), async (c) =>
      c.json({ items: (await deps.users.list()).map(publicUser) }, 200),
    )
    .openapi(routeOf(endpoints.replaceUser), async (c) => {
      const { userId } = c.req.valid('param');
      const { isAdmin } = c.req.valid('json');
      if (userId === c.get('caller').id && !isAdmin) {
        return refuse(
          c,
          'in_use',
          'You cannot take the admin role from yourself. Ask another admin to do it.',
        );
      }
      const changed = await deps.users.setAdmin(userId, isAdmin);
      if (!changed) return refuseUnknown(c, 'person');
      await revokeIssuedCredentials(deps, changed, await everywhere(deps));
      return c.json(publicUser(changed), 200);
    })
    .openapi(routeOf(endpoints.removeUser), async (c) => {
      const { userId } = c.req.valid('param');
      if (userId === c.get('caller').id) {
        return refuse(c, 'in_use', 'You cannot remove yourself. Ask another admin to do it.');
      }
      const found = await deps.users.get(userId);
      const isRemoved = found !== undefined && (await deps.users.remove(found));
      const pools = await everywhere(deps);
      // Also for a person who is already removed: an earlier removal may have failed before its
      // revocations.
      await revokeIssuedCredentials(deps, nobody(userId), pools);
      if (found) await revokePending(deps, found.email, pools);
      return isRemoved ? c.body(null, 204) : refuseUnknown(c, 'person');
    });

const asMember = (user: UserRecord, projectId: ProjectId): Member | undefined => {
  const role = user.roles[projectId];
  return role && { userId: user.id, email: user.email, name: user.name, role };
};

export const memberRoutes = (deps: ApiDeps) => {
  const find = async (projectId: ProjectId, userId: string): Promise<Member | undefined> => {
    const user = await deps.users.get(userId);
    return user && asMember(user, projectId);
  };
  return routes<PersonEnv>()
    .openapi(routeOf(endpoints.listMembers), async (c) => {
      const { projectId } = c.req.valid('param');
      if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
      const all = await deps.users.list();
      const items = all.map((user) => asMember(user, projectId)).filter((one) => one !== undefined);
      return c.json({ items }, 200);
    })
    .openapi(routeOf(endpoints.replaceMember), async (c) => {
      const { projectId, userId } = c.req.valid('param');
      const found = await find(projectId, userId);
      const changed = found && (await deps.users.setRole(found.userId, projectId, c.req.valid('json').role));
      const shown = changed && asMember(changed, projectId);
      if (!shown) return refuseUnknown(c, 'member');
      await revokeIssuedCredentials(deps, changed, [projectId]);
      await revokePending(deps, changed.email, [projectId]);
      return c.json(shown, 200);
    })
    .openapi(routeOf(endpoints.removeMember), async (c) => {
      const { projectId, userId } = c.req.valid('param');
      const found = await find(projectId, userId);
      const left = found && (await deps.users.setRole(found.userId, projectId, undefined));
      // Also for a person who has already left: an earlier removal may have failed before its revocations.
      await revokeIssuedCredentials(deps, left ?? (await deps.users.get(userId)) ?? nobody(userId), [
        projectId,
      ]);
      if (left) await revokePending(deps, left.email, [projectId]);
      return left ? c.body(null, 204) : refuseUnknown(c, 'member');
    });
};
