/** Routes of sign-in by OpenID Connect: two for browsers, the others for admins to set the provider. */

import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { pathOf } from '../../../protocol/endpoints/call.ts';
import * as endpoints from '../../../protocol/endpoints/people.ts';
import { addMs, returnTo, type SignInProvider } from '../../../protocol/index.ts';
import { type OidcPerson, oidcChecks } from '../../adapters/people/oidc.ts';
import { loginBySource } from '../../adapters/people/rate-limits.ts';
import type { StoredProvider } from '../../adapters/people/sign-in-providers.ts';
import type { UserRecord } from '../../adapters/people/users.ts';
import { untilUnchanged } from '../../adapters/resources/versions.ts';
import type { ApiDeps, ApiEnv, PersonEnv } from '../deps.ts';
import { signIn } from '../identify.ts';
import { countAttempts, forgetAttempts, refuseTooMany } from '../rate-limits.ts';
import { recordRefusal } from '../record-refusal.ts';
import { refuse, refuseFields, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { everywhere, nothing, revokeIssuedCredentials } from './issued-credentials.ts';
import { enterProject, pendingOf } from './join.ts';

const { path } = endpoints.getSignInProvider;
const callbackPath = endpoints.finishProviderSignIn.path;
const tokenKind = 'oidc';
/** Time for a person to sign in at the provider. */
const roundTripMs = 600_000;

const claims = oidcChecks.extend({ returnTo });

const redirectUriOf = ({ consoleUrl }: Pick<ApiDeps, 'consoleUrl'>) => `${consoleUrl}${callbackPath}`;

const cookieOf = ({ consoleUrl }: Pick<ApiDeps, 'consoleUrl'>) => {
  const secure = consoleUrl.startsWith('https://');
  return {
    name: secure ? '__Host-reveille-sign-in' : 'reveille-sign-in',
    // Lax: the provider sends the browser back from another site.
    options: { httpOnly: true, secure, sameSite: 'Lax', path: '/', maxAge: roundTripMs / 1000 } as const,
  };
};

const publicProvider = (
  deps: ApiDeps,
  { clientSecret: _secret, ...shown }: StoredProvider,
): SignInProvider => ({
  ...shown,
  redirectUri: redirectUriOf(deps),
});

interface Found {
  /** The person with that address here, who may differ from the one who came. */
  readonly known: UserRecord | undefined;
  /** The person who may sign in, with the roles that they were invited to. */
  readonly person: UserRecord | undefined;
}

/** Records that credentials older than the provider's first proof are void, and revokes what they issued. */
const tidyAfterProof = async (deps: ApiDeps, c: Context<ApiEnv>, user: UserRecord): Promise<void> => {
  await deps.audit.record('stack', {
    actor: { id: user.id, name: user.name },
    operation: 'voidCredentials',
    target: pathOf(endpoints.replaceUser, { userId: user.id }),
    source: deps.sourceOf(c),
    requestId: c.get('requestId'),
  });
  await revokeIssuedCredentials(deps, { id: user.id, ...nothing }, await everywhere(deps));
};

/** Finds or creates the person whom the provider names. */
const findPerson = async (
  deps: ApiDeps,
  c: Context<ApiEnv>,
  { newPeople }: StoredProvider,
  { email, name, ...account }: OidcPerson,
): Promise<Found> => {
  const known = await deps.users.findByEmail(email);
  const mayCome = newPeople === 'everybody' || (!known && (await pendingOf(deps, email)).length > 0);
  const found = known ?? (mayCome ? await deps.users.create({ email, name }) : undefined);
  // An address that the provider gave to a new person does not open the account of its former holder.
  const bound = found && (await deps.users.bindSubject(found, account));
  if (!bound) return { known, person: undefined };
  if (known && bound.isFirstProof) await tidyAfterProof(deps, c, bound.user);
  let person = bound.user;
  // After the removal of void credentials: invitations that they issued are gone too.
  for (const invited of await pendingOf(deps, email)) {
    if (await deps.invitations.take(invited)) person = await enterProject(deps, c, person, invited);
  }
  return { known, person };
};

const refuseSignIn = (c: Context) =>
  refuse(
    c,
    'wrong_login',
    'The provider did not sign you in here: you took too long, your e-mail address is not verified there, or nobody has invited it. Try again, or ask an owner for an invitation.',
  );

/** Open to anybody: the way to the provider and back. */
export const oidcRoutes = (deps: ApiDeps) => {
  return routes<ApiEnv>()
    .openapi(routeOf(endpoints.startProviderSignIn), async (c) => {
      const provider = await deps.signInProviders.get();
      if (!provider) return refuseUnknown(c, 'sign-in provider');
      const begun = await deps.oidc.begin(provider, redirectUriOf(deps)).catch((error: unknown) => {
        deps.log.error('The sign-in provider cannot be reached', { error: String(error) });
        return undefined;
      });
      if (!begun) return refuse(c, 'unavailable', 'The sign-in provider cannot be reached. Try again soon.');
      const carried = { ...begun.checks, returnTo: c.req.valid('query').returnTo };
      const token = await deps.personTokens.sign(tokenKind, carried, addMs(deps.now(), roundTripMs));
      const { name, options } = cookieOf(deps);
      setCookie(c, name, token, options);
      return c.redirect(begun.url, 302);
    })
    .openapi(routeOf(endpoints.finishProviderSignIn), async (c) => {
      const { name, options } = cookieOf(deps);
      const cookie = getCookie(c, name);
      const carried = cookie ? await deps.personTokens.verify(tokenKind, claims, cookie) : undefined;
      // A page of another site can send a browser here, but not with our cookie, its state and a code. A
      // request that lacks one of them never reaches the provider: it neither counts nor ends a sign-in
      // that is in progress in this browser.
      const { state, code } = c.req.valid('query');
      if (!carried?.ok || carried.claims.state !== state) return refuseSignIn(c);
      deleteCookie(c, name, options);
      if (code === undefined) return refuseSignIn(c);
      const source = [[loginBySource, deps.sourceOf(c)]] as const;
      const reached = await countAttempts(deps, c, source);
      if (reached) return refuseTooMany(c, deps.attempts, reached);
      const provider = await deps.signInProviders.get();
      if (!provider) return refuseSignIn(c);
      // The URL as the browser sees it: behind CloudFront the function itself has another address.
      const url = new URL(`${redirectUriOf(deps)}${new URL(c.req.url).search}`);
      const vouched = await deps.oidc.finish(provider, url, carried.claims);
      const found = vouched && (await findPerson(deps, c, provider, vouched));
      const user = found?.person;
      if (!user) {
        const who = found?.known ?? (vouched && { id: 'unknown', name: vouched.email });
        await recordRefusal(deps, c, 'loginByProviderRefused', who);
        return refuseSignIn(c);
      }
      await forgetAttempts(deps.attempts, source);
      if (!(await signIn(deps, c, user))) return refuseSignIn(c);
      await deps.audit.record('stack', {
        actor: { id: user.id, name: user.name },
        operation: 'loginByProvider',
        target: path,
        source: deps.sourceOf(c),
        requestId: c.get('requestId'),
      });
      return c.redirect(carried.claims.returnTo, 302);
    });
};

/** Kept for the same client only: another issuer would receive the secret at the next sign-in. */
const keptSecret = (
  stored: StoredProvider | undefined,
  { issuer, clientId }: Pick<StoredProvider, 'issuer' | 'clientId'>,
): string | undefined =>
  stored?.issuer === issuer && stored.clientId === clientId ? stored.clientSecret : undefined;

/** Routes for admins. */
export const signInProviderRoutes = (deps: ApiDeps) => {
  return routes<PersonEnv>()
    .openapi(routeOf(endpoints.getSignInProvider), async (c) => {
      const found = await deps.signInProviders.get();
      return found ? c.json(publicProvider(deps, found), 200) : refuseUnknown(c, 'sign-in provider');
    })
    .openapi(routeOf(endpoints.replaceSignInProvider), async (c) => {
      const input = c.req.valid('json');
      const refused = deps.refuseUrl(input.issuer);
      if (refused) return refuseFields(c, [{ path: 'issuer', message: refused }]);
      return untilUnchanged(async () => {
        const before = await deps.signInProviders.get();
        const clientSecret = input.clientSecret ?? keptSecret(before, input);
        if (clientSecret === undefined)
          return refuseFields(c, [
            { path: 'clientSecret', message: 'must be sent for a new issuer or client' },
          ]);
        const set = await deps.signInProviders.put({ ...input, clientSecret }, before);
        return c.json(publicProvider(deps, set), 200);
      });
    })
    .openapi(routeOf(endpoints.removeSignInProvider), async (c) =>
      (await deps.signInProviders.remove()) ? c.body(null, 204) : refuseUnknown(c, 'sign-in provider'),
    );
};
