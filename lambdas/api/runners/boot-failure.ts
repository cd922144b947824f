/** Call of a first boot that failed: the same proof as at enrolment, with a report of the failure. */
import * as endpoints from '../../../protocol/endpoints/agent.ts';
import { enrolmentBySource } from '../../adapters/people/rate-limits.ts';
import { noteBootFailure } from '../../flows/runners/boot-failure.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { type Attempt, countAttempts, forgetAttempts, refuseTooMany } from '../rate-limits.ts';
import { refuse } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';

export const bootFailureRoutes = (deps: ApiDeps) =>
  routes<ApiEnv>().openapi(routeOf(endpoints.reportBootFailure), async (c) => {
    const counted: Attempt[] = [[enrolmentBySource, deps.sourceOf(c)]];
    const reached = await countAttempts(deps, c, counted);
    if (reached) return refuseTooMany(c, deps.attempts, reached);
    const result = await noteBootFailure(deps, c.req.valid('json'));
    if (result.ok || result.code !== 'enrolment_refused') await forgetAttempts(deps.attempts, counted);
    return result.ok ? c.body(null, 204) : refuse(c, result.code, result.detail);
  });
