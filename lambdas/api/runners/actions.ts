import type { RunnerEndpoints } from '../../../protocol/endpoints/runners.ts';
import { isPoweredByStack } from '../../../protocol/index.ts';
import { publicRunner } from '../../adapters/runners/runner-record.ts';
import { drainRunner, resumeRunner, sleepRunner, wakeRunner } from '../../flows/runners/owner-requests.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuse, refuseUnknown } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { rotateToken } from './new-runner.ts';
import { whyNotAsleep, whyNotWoken } from './refusals.ts';
import { poolIn } from './scope.ts';

export const runnerActRoutes = (deps: ApiDeps, endpoints: RunnerEndpoints) => {
  const find = (params: Readonly<Record<string, string>>) =>
    deps.runners.get(poolIn(params), params.runnerId ?? '');

  return routes<PersonEnv>()
    .openapi(routeOf(endpoints.drain), async (c) => {
      const found = await find(c.req.param());
      if (!found) return refuseUnknown(c, 'runner');
      const draining = await drainRunner(deps, found);
      return draining
        ? c.json(publicRunner(draining), 200)
        : refuse(
            c,
            'asleep',
            `The runner is ${found.status} and has nothing to drain. To keep it asleep, make it inactive.`,
          );
    })
    .openapi(routeOf(endpoints.sleep), async (c) => {
      const found = await find(c.req.param());
      if (!found) return refuseUnknown(c, 'runner');
      const asleep = isPoweredByStack(found) && (await sleepRunner(deps, found));
      if (asleep) return c.json(publicRunner(asleep), 200);
      const now = (await find(c.req.param())) ?? found;
      return refuse(c, 'in_use', whyNotAsleep(now));
    })
    .openapi(routeOf(endpoints.wake), async (c) => {
      const found = await find(c.req.param());
      if (!found) return refuseUnknown(c, 'runner');
      const woken = await wakeRunner(deps, found);
      return woken ? c.json(publicRunner(woken), 200) : refuse(c, 'cannot_be_woken', whyNotWoken(found));
    })
    .openapi(routeOf(endpoints.resume), async (c) => {
      const found = await find(c.req.param());
      const resumed = found && (await resumeRunner(deps, found));
      return resumed ? c.json(publicRunner(resumed), 200) : refuseUnknown(c, 'runner');
    })
    .openapi(routeOf(endpoints.rotateToken), async (c) => {
      const { graceMs } = c.req.valid('json');
      const found = await find(c.req.param());
      if (!found) return refuseUnknown(c, 'runner');
      const token = await rotateToken(deps, found, graceMs);
      return token === undefined
        ? refuse(
            c,
            'try_later',
            'Someone else rotated this token just now. Check whether you still need to rotate it.',
          )
        : c.json({ token }, 200);
    });
};
