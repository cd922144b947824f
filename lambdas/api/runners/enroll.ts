/** Call of an instance of a fleet: it proves its identity and gets the credentials of its runner. */
import { enrollRequest } from '../../../protocol/index.ts';
import { enrolmentBySource } from '../../adapters/people/rate-limits.ts';
import { formatToken, hashSecret, makeSecret } from '../../adapters/runners/registration-tokens.ts';
import { poolOf } from '../../adapters/runners/runner-record.ts';
import { isPublicKey } from '../../adapters/secrets/payload-encryption.ts';
import { enroll } from '../../flows/runners/enroll.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { type Attempt, countAttempts, forgetAttempts, refuseTooMany } from '../rate-limits.ts';
import { refuse } from '../refuse.ts';
import { answer, anybody, describe, jsonBody, routes } from '../route.ts';
import { enrolmentSchema } from '../schemas.ts';

export const enrollRoutes = (deps: ApiDeps) =>
  routes<ApiEnv>().openapi(
    describe(
      {
        tags: ['Agents'],
        security: anybody,
        method: 'post',
        path: '/api/agent/enroll',
        operationId: 'enrollInstance',
        summary: 'Enrol the instance that a fleet launched for a runner',
        description:
          "The instance proves itself by a signed GetCallerIdentity of its instance profile's role, made for this API and this key. It keeps its private key and sends the public half.",
        request: { body: jsonBody(enrollRequest) },
        responses: { 200: answer('Its config file but for the private key', enrolmentSchema) },
      },
      'enrolment_refused',
      'try_later',
      'agent_running',
      'too_many_attempts',
      'unavailable',
    ),
    async (c) => {
      const request = c.req.valid('json');
      if (!(await isPublicKey(request.publicKey))) {
        return refuse(c, 'invalid_request', 'The public key is no X25519 key in PEM (SPKI).', [
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
        target: `${pool === 'global' ? '/api' : `/api/projects/${pool}`}/runners/${runner.id}`,
        object: { kind: 'runners', id: runner.id, name: runner.name },
        source: deps.sourceOf(c),
        requestId: c.get('requestId'),
      });
      const token = formatToken(pool, runner.id, secret);
      return c.json({ apiUrl: deps.apiUrl, token, runnerId: runner.id, name: runner.name }, 200);
    },
  );
