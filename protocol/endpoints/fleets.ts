/** Endpoints of fleets. */
import { fleet } from '../fleet.ts';
import { answer, endpoint, listOf } from './endpoint.ts';

export const listFleets = endpoint({
  operationId: 'listFleets',
  method: 'get',
  path: '/api/fleets',
  access: 'person',
  tag: 'Fleets',
  summary: 'List the fleets of the stack',
  description: 'They are set in cdk.json. To create a runner of a fleet, name the fleet in POST …/runners.',
  responses: { 200: answer('The fleets, in the order of cdk.json', listOf(fleet)) },
});
