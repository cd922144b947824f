/** Routes of the first set-up and of sign-in. */

import type { Context } from 'hono';
import { pathOf } from '../../../protocol/endpoints/call.ts';
import * as endpoints from '../../../protocol/endpoints/people.ts';
import { loginByAccount, loginBySource } from '../../adapters/people/rate-limits.ts';
import { publicUser, type UserRecord } from '../../adapters/people/users.ts';
import type { ApiDeps, ApiEnv, PersonEnv } from '../deps.ts';
import { isFromOwnPage, refuseCsrf, signIn } from '../identify.ts';
import { type Attempt, countAttempts, forgetAttempts, refuseTooMany } from '../rate-limits.ts';
import { recordRefusal } from '../record-refusal.ts';
import { refuse } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { totpStepOf } from './totp.ts';

/** For the holder of an admin's token: creates the first person who can sign in. */
export const setupRoutes = (deps: ApiDeps) =>
  routes<PersonEnv>().openapi(routeOf(endpoints.setUp), async (c) => {
    const { password, ...input } = c.req.valid('json');
    const isFirst = (await deps.users.list()).length === 0;
    const user =
      isFirst &&
      (await deps.users.create({
        ...input,
        isAdmin: true,
        passwordHash: await deps.passwords.hash(password),
      }));
    if (!user) {
      return refuse(
        c,
        'already_set_up',
        'This stack already has a user. Sign in, or ask an owner to invite you.',
      );
    }
    await signIn(deps, c, user);
    return c.json(publicUser(user), 201, { location: pathOf(endpoints.replaceUser, { userId: user.id }) });
  });

type Proof = { readonly ok: true } | { readonly ok: false; readonly code: 'wrong_login' | 'totp_required' };

/** Checks the code of a person with the right password, if one is required. A code works once. */
const proveTotp = async (deps: ApiDeps, user: UserRecord, code: string | undefined): Promise<Proof> => {
  if (user.totpSecret === undefined) return { ok: true };
  if (code === undefined) return { ok: false, code: 'totp_required' };
  const step = await totpStepOf(user.totpSecret, code, deps.now());
  const spent = step !== undefined && (await deps.users.spendTotp(user.id, step)) !== undefined;
  return spent ? { ok: true } : { ok: false, code: 'wrong_login' };
};

const details = {
  wrong_login: 'The e-mail address, the password or the code is wrong.',
  totp_required: 'Send the code of your authenticator as "totp".',
} as const;

export const attemptsOf = (
  deps: Pick<ApiDeps, 'sourceOf'>,
  c: Context,
  email: string,
): readonly [source: Attempt, account: Attempt] => [
  [loginBySource, deps.sourceOf(c)],
  [loginByAccount, email],
];

export const loginRoutes = (deps: ApiDeps) =>
  routes<ApiEnv>()
    .openapi(routeOf(endpoints.getSetupState), async (c) => {
      const [known, provider] = await Promise.all([deps.users.list(), deps.signInProviders.get()]);
      return c.json({ isSetUp: known.length > 0, signInProvider: provider?.name }, 200);
    })
    .openapi(routeOf(endpoints.login), async (c) => {
      // A browser always sends the origin of a POST: this stops another site from signing a person in as
      // somebody else.
      if (c.req.header('origin') !== undefined && !isFromOwnPage(c, deps.consoleUrl)) {
        return refuseCsrf(c, deps.consoleUrl);
      }
      const { email, password, totp } = c.req.valid('json');
      const [source, account] = attemptsOf(deps, c, email);
      const reached = await countAttempts(deps, c, [source, account]);
      if (reached) return refuseTooMany(c, deps.attempts, reached);
      const user = await deps.users.findByEmail(email);
      const isRight = await deps.passwords.verify(password, user?.passwordHash);
      const proof: Proof =
        user && isRight ? await proveTotp(deps, user, totp) : { ok: false, code: 'wrong_login' };
      if (!user || !proof.ok) {
        const code = proof.ok ? 'wrong_login' : proof.code;
        // A right password without a code does not lock the account, but its attempts are limited too.
        if (code === 'totp_required') await forgetAttempts(deps.attempts, [account]);
        await recordRefusal(deps, c, code === 'wrong_login' ? 'loginRefused' : 'loginWithoutCode', user);
        return refuse(c, code, details[code]);
      }
      await forgetAttempts(deps.attempts, [source, account]);
      if (!(await signIn(deps, c, user))) return refuse(c, 'wrong_login', details.wrong_login);
      await deps.audit.record('stack', {
        actor: { id: user.id, name: user.name },
        operation: 'login',
        target: endpoints.login.path,
        source: deps.sourceOf(c),
        requestId: c.get('requestId'),
      });
      return c.json(publicUser(user), 200);
    });
