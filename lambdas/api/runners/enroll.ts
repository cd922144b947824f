/** Call of an instance of a fleet: it proves its identity and gets the credentials of its runner. */

import * as endpoints from '../../../protocol/endpoints/agent.ts';
import { enrolmentBySource } from '../../adapters/people/rate-limits.ts';
import { formatToken, hashSecret, makeSecret } from '../../adapters/runners/registration-tokens.ts';
import { poolOf } from '../../adapters/runners/runner-record.ts';
import { isPublicKey } from '../../adapters/secrets/payload-encryption.ts';
import { enroll } from '../../flows/runners/enroll.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { type Attempt, countAttempts, forgetAttempts, refuseTooMany } from '../rate-limits.ts';
import { refuse } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { pathOfRunner } from './scope.ts';

export const enrollRoutes = (deps: ApiDeps) =>
  routes<ApiEnv>().openapi(routeOf(endpoints.enrollInstance), async (c) => {
    const request = c.req.valid('json');
    if (!(await isPublicKey(request.publicKey))) {
      return refuse(c, 'invalid_request', 'The public key is not an X25519 key in PEM (SPKI).', [
        { path: 'publicKey', message: 'must be an X25519 public key in PEM' },
      ]);
    }
    const counted: Attempt[] = [[enrolmentBySource, deps.sourceOf(c)]];
    const reached = await countAttempts(deps, c, counted);
    if (reached) return refuseTooMany(c, deps.attempts, reached);
    const secret = makeSecret(deps.randomBytes);
    const result = await enroll(deps, request, hashSecret(secret));
    if (result.ok || result.code !== 'enrolment_refused') await forgetAttempts(deps.attempts, counted);
    if (!result.ok) return refuse(c, result.code, result.detail);
    const { runner } = result;
    const pool = poolOf(runner);
    await deps.audit.record(pool === 'global' ? 'stack' : pool, {
      actor: { id: runner.id, name: runner.name },
      operation: 'enrollInstance',
      target: pathOfRunner(pool, runner.id),
      object: { kind: 'runners', id: runner.id, name: runner.name },
      source: deps.sourceOf(c),
      requestId: c.get('requestId'),
    });
    const token = formatToken(pool, runner.id, secret);
    return c.json({ apiUrl: deps.apiUrl, token, runnerId: runner.id, name: runner.name }, 200);
  });
