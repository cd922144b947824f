/** Route that lists the fleets of the stack, for people who create a runner of one. */
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { answer, describe, people, routes } from '../route.ts';
import { fleetSchema, listOf } from '../schemas.ts';

export const fleetRoutes = (deps: Pick<ApiDeps, 'fleets' | 'fleetPlaces'>) =>
  routes<PersonEnv>().openapi(
    describe({
      tags: ['Fleets'],
      security: people,
      method: 'get',
      path: '/api/fleets',
      operationId: 'listFleets',
      summary: 'List the fleets of the stack',
      description: 'They are set in cdk.json. A runner of a fleet is made by naming it: POST …/runners.',
      responses: { 200: answer('The fleets, as cdk.json has them', listOf(fleetSchema)) },
    }),
    async (c) => {
      const items = await Promise.all(
        deps.fleets.map(async ({ subnets: _, stack: _stack, launchTemplate: _template, ...shown }) => ({
          ...shown,
          used: (await deps.fleetPlaces.names(shown.name)).size,
        })),
      );
      return c.json({ items }, 200);
    },
  );
