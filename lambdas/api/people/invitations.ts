/** Routes of invitations: an owner makes one, and the holder of its token accepts it. */

import type { Context } from 'hono';
import * as endpoints from '../../../protocol/endpoints/people.ts';
import { type Invitation, password as newPassword } from '../../../protocol/index.ts';
import { invitationBySource } from '../../adapters/people/rate-limits.ts';
import { publicUser, type UserRecord } from '../../adapters/people/users.ts';
import type { ApiDeps, ApiEnv, PersonEnv } from '../deps.ts';
import { findSignedIn, isFromOwnPage, refuseCsrf, signIn } from '../identify.ts';
import { type Attempt, countAttempts, forgetAttempts, refuseTooMany } from '../rate-limits.ts';
import { recordRefusal } from '../record-refusal.ts';
import { refuse, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { enterProject } from './join.ts';
import { attemptsOf } from './login.ts';

export const invitationRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>()
    .openapi(routeOf(endpoints.listInvitations), async (c) => {
      const { projectId } = c.req.valid('param');
      if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
      return c.json({ items: await deps.invitations.list(projectId) }, 200);
    })
    .openapi(routeOf(endpoints.createInvitation), async (c) => {
      const { projectId } = c.req.valid('param');
      if (!(await deps.projects.get(projectId))) return refuseUnknown(c, 'project');
      const made = await deps.invitations.create(projectId, c.req.valid('json'), c.get('caller').onBehalfOf);
      return c.json(made, 201, { location: `${c.req.path}/${made.id}` });
    })
    .openapi(routeOf(endpoints.revokeInvitation), async (c) => {
      const { projectId, invitationId } = c.req.valid('param');
      return (await deps.invitations.revoke(projectId, invitationId))
        ? c.body(null, 204)
        : refuseUnknown(c, 'invitation');
    });

interface Claim {
  readonly name?: string;
  readonly password?: string;
}

const refuseUnproven = (c: Context) =>
  refuse(
    c,
    'wrong_login',
    'You are not signed in with the address that the invitation is for: sign in with it, or send a password.',
  );

/** Creates the person that an invitation names. */
const createInvited = async (deps: ApiDeps, c: Context, invited: Invitation, { name, password }: Claim) => {
  if (password === undefined) return refuseUnproven(c);
  const chosen = newPassword.safeParse(password);
  if (name === undefined || !chosen.success) {
    return refuse(
      c,
      'invalid_request',
      'You are new here: choose a name, and a password of 12 characters or more.',
      [
        ...(name === undefined ? [{ path: 'name', message: 'is needed' }] : []),
        ...(chosen.success ? [] : [{ path: 'password', message: 'must have at least 12 characters' }]),
      ],
    );
  }
  const passwordHash = await deps.passwords.hash(chosen.data);
  if (!(await deps.invitations.take(invited))) return refuseInvitation(c);
  const made = await deps.users.create({ email: invited.email, name, passwordHash });
  return made ?? refuseInvitation(c);
};

const isSignedInAs = async (deps: ApiDeps, c: Context, user: UserRecord): Promise<boolean> =>
  isFromOwnPage(c, deps.consoleUrl) && (await findSignedIn(deps, c))?.user.id === user.id;

/** Asks a known person to prove their identity before they accept: by a sign-in or by the password. */
const proveInvited = async (
  deps: ApiDeps,
  c: Context<ApiEnv>,
  invited: Invitation,
  user: UserRecord,
  { password }: Claim,
) => {
  if (password === undefined) {
    if (!(await isSignedInAs(deps, c, user))) return refuseUnproven(c);
  } else {
    const counted = attemptsOf(deps, c, user.email);
    const reached = await countAttempts(deps, c, counted);
    if (reached) return refuseTooMany(c, deps.attempts, reached);
    if (!(await deps.passwords.verify(password, user.passwordHash))) {
      await recordRefusal(deps, c, 'passwordRefused', user);
      return refuse(c, 'wrong_login', 'You already have an account. Send its password.');
    }
    await forgetAttempts(deps.attempts, counted);
  }
  return (await deps.invitations.take(invited)) ? user : refuseInvitation(c);
};

const refuseInvitation = (c: Context) =>
  refuse(
    c,
    'invitation_refused',
    'The invitation is unknown, expired or already accepted. Ask for a new one.',
  );

export const acceptanceRoutes = (deps: ApiDeps) =>
  routes<ApiEnv>().openapi(routeOf(endpoints.acceptInvitation), async (c) => {
    if (c.req.header('origin') !== undefined && !isFromOwnPage(c, deps.consoleUrl))
      return refuseCsrf(c, deps.consoleUrl);
    const { token, ...claim } = c.req.valid('json');
    const counted: Attempt[] = [[invitationBySource, deps.sourceOf(c)]];
    const reached = await countAttempts(deps, c, counted);
    if (reached) return refuseTooMany(c, deps.attempts, reached);
    const invited = await deps.invitations.read(token);
    if (!invited || !(await deps.projects.get(invited.projectId))) return refuseInvitation(c);
    await forgetAttempts(deps.attempts, counted);
    const known = await deps.users.findByEmail(invited.email);
    const user = known
      ? await proveInvited(deps, c, invited, known, claim)
      : await createInvited(deps, c, invited, claim);
    if (user instanceof Response) return user;
    const member = await enterProject(deps, c, user, invited);
    if (!known) await signIn(deps, c, member);
    return c.json(publicUser(member), 200);
  });
