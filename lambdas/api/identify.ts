/** Identifies the person behind a request: by an API token, or by a cookie from our own site only. */
import type { Context, MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import * as z from 'zod';
import { addMs, loginId, userId } from '../../protocol/index.ts';
import type { Caller } from '../adapters/people/api-tokens.ts';
import { loginLifetimeMs, type UserRecord } from '../adapters/people/users.ts';
import type { ApiDeps, PersonEnv, SignedIn } from './deps.ts';
import { bearerToken } from './middleware.ts';
import { refuse } from './refuse.ts';

const claims = z.object({ userId, loginId });
const tokenKind = 'person';

/** Plain http is only for the stack on one machine: there browsers take no `Secure` or `__Host-` cookie. */
const cookieOf = (consoleUrl: string) => {
  const secure = consoleUrl.startsWith('https://');
  return {
    name: secure ? '__Host-reveille' : 'reveille',
    options: { httpOnly: true, secure, sameSite: 'Lax', path: '/' } as const,
  };
};

type SignInDeps = Pick<ApiDeps, 'consoleUrl' | 'now' | 'personTokens' | 'users'>;

/**
 * Signs a person in: stores the sign-in, and sets the cookie. Returns false when their credentials have
 * changed since `user` was read: then their proof may be void.
 */
export const signIn = async (deps: SignInDeps, c: Context, user: UserRecord): Promise<boolean> => {
  const login = await deps.users.addLogin(user);
  if (login === undefined) return false;
  const until = addMs(deps.now(), loginLifetimeMs);
  const token = await deps.personTokens.sign(tokenKind, { userId: user.id, loginId: login }, until);
  const { name, options } = cookieOf(deps.consoleUrl);
  setCookie(c, name, token, { ...options, maxAge: loginLifetimeMs / 1000 });
  return true;
};

/** Ends this sign-in, also for other holders of the cookie. */
export const signOut = async (
  deps: SignInDeps,
  c: Context,
  { user, loginId: login }: SignedIn,
): Promise<void> => {
  await deps.users.removeLogin(user.id, login);
  const { name, options } = cookieOf(deps.consoleUrl);
  deleteCookie(c, name, options);
};

/** Returns the person that the cookie names, as the table has them now. */
export const findSignedIn = async (deps: SignInDeps, c: Context): Promise<SignedIn | undefined> => {
  const cookie = getCookie(c, cookieOf(deps.consoleUrl).name);
  const verified =
    cookie === undefined ? undefined : await deps.personTokens.verify(tokenKind, claims, cookie);
  if (!verified?.ok) return undefined;
  const { userId: id, loginId: login } = verified.claims;
  const user = await deps.users.get(id);
  return user?.logins.has(login) ? { user, loginId: login } : undefined;
};

export const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
export const csrfHeader = 'x-reveille-csrf';

/**
 * A page of another site can make a browser send the cookie. But it cannot choose the Origin, and cannot set
 * this header without a preflight request, which the API never grants.
 */
export const isFromOwnPage = (c: Context, consoleUrl: string): boolean =>
  safeMethods.has(c.req.method) ||
  (c.req.header('origin') === new URL(consoleUrl).origin && c.req.header(csrfHeader) !== undefined);

export const refuseCsrf = (c: Context, consoleUrl: string) =>
  refuse(
    c,
    'csrf_refused',
    `With a cookie, a change must come from ${new URL(consoleUrl).origin} and carry the header "X-Reveille-Csrf: 1".`,
  );

const callerOf = ({ id, name, isAdmin, roles, credentialsVersion }: UserRecord): Caller => ({
  id,
  name,
  onBehalfOf: { id, credentialsVersion },
  isAdmin,
  roles,
});

/** Rejects a token that is unknown, expired or revoked. */
export const refuseNobody = (c: Context) =>
  refuse(
    c,
    'unauthenticated',
    'Send an API token of this stack as "Authorization: Bearer …". A token that you sent may be revoked or expired.',
  );

/** Lets in a caller with an API token or a sign-in. */
export const requirePerson =
  (deps: SignInDeps & Pick<ApiDeps, 'verifyToken'>): MiddlewareHandler<PersonEnv> =>
  async (c, next) => {
    const header = c.req.header('authorization');
    if (header !== undefined) {
      const token = bearerToken(header);
      const caller = token && (await deps.verifyToken(token));
      if (!caller) return refuseNobody(c);
      c.set('caller', caller);
      return next();
    }
    const signedIn = await findSignedIn(deps, c);
    if (!signedIn) {
      const detail = 'Sign in, or send an API token of this stack as "Authorization: Bearer …".';
      return refuse(c, 'unauthenticated', detail);
    }
    if (!isFromOwnPage(c, deps.consoleUrl)) return refuseCsrf(c, deps.consoleUrl);
    c.set('signedIn', signedIn);
    c.set('caller', callerOf(signedIn.user));
    return next();
  };
