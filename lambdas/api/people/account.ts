/** Routes of the own account: profile, sign-out, password, authenticator. */

import type { Context } from 'hono';
import * as endpoints from '../../../protocol/endpoints/people.ts';
import { publicUser } from '../../adapters/people/users.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { signIn, signOut } from '../identify.ts';
import { countAttempts, forgetAttempts, refuseTooMany } from '../rate-limits.ts';
import { recordRefusal } from '../record-refusal.ts';
import { refuse } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { attemptsOf } from './login.ts';
import { newTotp, totpStepOf } from './totp.ts';

const refuseToken = (c: Context) =>
  refuse(
    c,
    'forbidden',
    'This is for people who signed in. An API token has neither password nor authenticator.',
  );

const refuseChanged = (c: Context) =>
  refuse(c, 'unauthenticated', 'Your credentials have changed. Sign in again, then repeat this.');

export const selfRoutes = (deps: ApiDeps) => {
  /** Asks for the password once more; returns the refusal, or undefined when the password is right. */
  const refuseWithoutPassword = async (c: Context<PersonEnv>, password: string) => {
    const user = c.get('signedIn')?.user;
    if (!user) return refuseToken(c);
    const counted = attemptsOf(deps, c, user.email);
    const reached = await countAttempts(deps, c, counted);
    if (reached) return refuseTooMany(c, deps.attempts, reached);
    if (!(await deps.passwords.verify(password, user.passwordHash))) {
      await recordRefusal(deps, c, 'passwordRefused', user);
      return refuse(c, 'wrong_login', 'The password is wrong.');
    }
    await forgetAttempts(deps.attempts, counted);
    return undefined;
  };

  return routes<PersonEnv>()
    .openapi(routeOf(endpoints.getMe), (c) => {
      const { id, name, isAdmin, roles } = c.get('caller');
      const user = c.get('signedIn')?.user;
      return c.json({ id, name, isAdmin, roles, user: user && publicUser(user) }, 200);
    })
    .openapi(routeOf(endpoints.logout), async (c) => {
      const signedIn = c.get('signedIn');
      if (signedIn) await signOut(deps, c, signedIn);
      return c.body(null, 204);
    })
    .openapi(routeOf(endpoints.changePassword), async (c) => {
      const { current, next } = c.req.valid('json');
      const refused = await refuseWithoutPassword(c, current);
      if (refused) return refused;
      const user = c.get('signedIn')?.user;
      const changed = user && (await deps.users.setPassword(user, await deps.passwords.hash(next)));
      if (!changed) return refuseChanged(c);
      await signIn(deps, c, changed);
      return c.body(null, 204);
    })
    .openapi(routeOf(endpoints.offerTotp), async (c) => {
      const refused = await refuseWithoutPassword(c, c.req.valid('json').password);
      if (refused) return refused;
      const user = c.get('signedIn')?.user;
      if (!user) return refuseToken(c);
      const offered = await newTotp(user.email, deps.randomBytes);
      if (!(await deps.users.offerTotp(user, offered.secret))) return refuseChanged(c);
      return c.json(offered, 200);
    })
    .openapi(routeOf(endpoints.confirmTotp), async (c) => {
      const user = c.get('signedIn')?.user;
      if (!user) return refuseToken(c);
      const counted = attemptsOf(deps, c, user.email);
      const reached = await countAttempts(deps, c, counted);
      if (reached) return refuseTooMany(c, deps.attempts, reached);
      const { newTotpSecret } = user;
      const step = newTotpSecret && (await totpStepOf(newTotpSecret, c.req.valid('json').code, deps.now()));
      if (!newTotpSecret || !step) {
        await recordRefusal(deps, c, 'codeRefused', user);
        return refuse(
          c,
          'wrong_login',
          'The code is wrong, or you have not requested a secret. Request a new secret.',
        );
      }
      await forgetAttempts(deps.attempts, counted);
      if (!(await deps.users.setTotp(user, newTotpSecret, step))) return refuseChanged(c);
      return c.body(null, 204);
    })
    .openapi(routeOf(endpoints.removeTotp), async (c) => {
      const refused = await refuseWithoutPassword(c, c.req.valid('json').password);
      if (refused) return refused;
      const user = c.get('signedIn')?.user;
      const changed = user && (await deps.users.setTotp(user, undefined));
      return changed ? c.body(null, 204) : refuseChanged(c);
    });
};
