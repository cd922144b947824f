/** Call of a first boot that failed: the same proof as at enrolment, with a report of the failure. */
import { bootFailureRequest } from '../../../protocol/index.ts';
import { enrolmentBySource } from '../../adapters/people/rate-limits.ts';
import { noteBootFailure } from '../../flows/runners/boot-failure.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { type Attempt, countAttempts, forgetAttempts, refuseTooMany } from '../rate-limits.ts';
import { refuse } from '../refuse.ts';
import { anybody, describe, jsonBody, noContent, routes } from '../route.ts';

export const bootFailureRoutes = (deps: ApiDeps) =>
  routes<ApiEnv>().openapi(
    describe(
      {
        tags: ['Agents'],
        security: anybody,
        method: 'post',
        path: '/api/agent/boot-failure',
        operationId: 'reportBootFailure',
        summary: 'Report that the first boot of an instance of a fleet failed',
        description:
          "The instance proves itself by a signed GetCallerIdentity of its instance profile's role, made for this API and this report. The start counts as failed, and the instance is stopped. A report of an earlier start changes nothing.",
        request: { body: jsonBody(bootFailureRequest) },
        responses: { 204: noContent('It is noted, or of an earlier start') },
      },
      'enrolment_refused',
      'try_later',
      'too_many_attempts',
      'unavailable',
    ),
    async (c) => {
      const counted: Attempt[] = [[enrolmentBySource, deps.sourceOf(c)]];
      const reached = await countAttempts(deps, c, counted);
      if (reached) return refuseTooMany(c, deps.attempts, reached);
      const result = await noteBootFailure(deps, c.req.valid('json'));
      if (result.ok || result.code !== 'enrolment_refused') await forgetAttempts(deps.attempts, counted);
      return result.ok ? c.body(null, 204) : refuse(c, result.code, result.detail);
    },
  );
