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
  description: 'They are set in cdk.json. A runner of a fleet is made by naming it: POST …/runners.',
  responses: { 200: answer('The fleets, as cdk.json has them', listOf(fleet)) },
});
