/** Routes of the own account: profile, sign-out, password, authenticator. */
import type { Context } from 'hono';
import { passwordChange, passwordProof, totpProof, totpSecret } from '../../../protocol/index.ts';
import { publicUser } from '../../adapters/people/users.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { signIn, signOut } from '../identify.ts';
import { countAttempts, forgetAttempts, refuseTooMany } from '../rate-limits.ts';
import { recordRefusal } from '../record-refusal.ts';
import { refuse } from '../refuse.ts';
import { answer, describe, jsonBody, noContent, people, routes } from '../route.ts';
import { meSchema } from '../schemas.ts';
import { attemptsOf } from './login.ts';
import { newTotp, totpStepOf } from './totp.ts';

const shared = { tags: ['People'], security: people };

const refuseToken = (c: Context) =>
  refuse(
    c,
    'forbidden',
    'This is for people who signed in. An API token has neither password nor authenticator.',
  );

const refuseChanged = (c: Context) =>
  refuse(c, 'unauthenticated', 'Your credentials have changed meanwhile. Sign in again, and repeat this.');

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
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path: '/api/me',
        operationId: 'getMe',
        summary: 'Who one is, and what one may do where',
        responses: { 200: answer('Oneself', meSchema) },
      }),
      (c) => {
        const { id, name, isAdmin, roles } = c.get('caller');
        const user = c.get('signedIn')?.user;
        return c.json({ id, name, isAdmin, roles, ...(user && { user: publicUser(user) }) }, 200);
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'post',
        path: '/api/logout',
        operationId: 'logout',
        summary: 'Sign out; the cookie is good for nothing from then on',
        responses: { 204: noContent('Signed out') },
      }),
      async (c) => {
        const signedIn = c.get('signedIn');
        if (signedIn) await signOut(deps, c, signedIn);
        return c.body(null, 204);
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'put',
          path: '/api/me/password',
          operationId: 'changePassword',
          summary: 'Change the password; all other sign-ins end',
          request: { body: jsonBody(passwordChange) },
          responses: { 204: noContent('It is changed') },
        },
        'wrong_login',
        'too_many_attempts',
      ),
      async (c) => {
        const { current, next } = c.req.valid('json');
        const refused = await refuseWithoutPassword(c, current);
        if (refused) return refused;
        const user = c.get('signedIn')?.user;
        const changed = user && (await deps.users.setPassword(user, await deps.passwords.hash(next)));
        if (!changed) return refuseChanged(c);
        await signIn(deps, c, changed);
        return c.body(null, 204);
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path: '/api/me/totp',
          operationId: 'offerTotp',
          summary: 'Get a secret for an authenticator; it counts once a code of it is confirmed',
          request: { body: jsonBody(passwordProof) },
          responses: { 200: answer('The secret, shown only now', totpSecret) },
        },
        'wrong_login',
        'too_many_attempts',
      ),
      async (c) => {
        const refused = await refuseWithoutPassword(c, c.req.valid('json').password);
        if (refused) return refused;
        const user = c.get('signedIn')?.user;
        if (!user) return refuseToken(c);
        const offered = newTotp(user.email, deps.randomBytes);
        if (!(await deps.users.offerTotp(user, offered.secret))) return refuseChanged(c);
        return c.json(offered, 200);
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'put',
          path: '/api/me/totp',
          operationId: 'confirmTotp',
          summary: 'Confirm the authenticator by a code of it; from then on each sign-in needs one',
          request: { body: jsonBody(totpProof) },
          responses: { 204: noContent('It is set up') },
        },
        'wrong_login',
        'too_many_attempts',
      ),
      async (c) => {
        const user = c.get('signedIn')?.user;
        if (!user) return refuseToken(c);
        const counted = attemptsOf(deps, c, user.email);
        const reached = await countAttempts(deps, c, counted);
        if (reached) return refuseTooMany(c, deps.attempts, reached);
        const { newTotpSecret } = user;
        const step = newTotpSecret && totpStepOf(newTotpSecret, c.req.valid('json').code, deps.now());
        if (!newTotpSecret || !step) {
          await recordRefusal(deps, c, 'codeRefused', user);
          return refuse(
            c,
            'wrong_login',
            'The code is wrong, or no secret was asked for. Ask for a new one.',
          );
        }
        await forgetAttempts(deps.attempts, counted);
        if (!(await deps.users.setTotp(user, newTotpSecret, step))) return refuseChanged(c);
        return c.body(null, 204);
      },
    )
    .openapi(
      describe(
        {
          ...shared,
          method: 'post',
          path: '/api/me/totp/remove',
          operationId: 'removeTotp',
          summary: 'Remove the authenticator',
          request: { body: jsonBody(passwordProof) },
          responses: { 204: noContent('It is removed') },
        },
        'wrong_login',
        'too_many_attempts',
      ),
      async (c) => {
        const refused = await refuseWithoutPassword(c, c.req.valid('json').password);
        if (refused) return refused;
        const user = c.get('signedIn')?.user;
        const changed = user && (await deps.users.setTotp(user, undefined));
        return changed ? c.body(null, 204) : refuseChanged(c);
      },
    );
};
