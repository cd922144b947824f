/** Route that lists the fleets of the stack, for people who create a runner of one. */
import * as endpoints from '../../../protocol/endpoints/fleets.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { routeOf, routes } from '../route.ts';

export const fleetRoutes = (deps: Pick<ApiDeps, 'fleets' | 'fleetPlaces'>) =>
  routes<PersonEnv>().openapi(routeOf(endpoints.listFleets), async (c) => {
    const items = await Promise.all(
      deps.fleets.map(async ({ subnets: _, stack: _stack, launchTemplate: _template, ...shown }) => ({
        ...shown,
        used: (await deps.fleetPlaces.names(shown.name)).size,
      })),
    );
    return c.json({ items }, 200);
  });
