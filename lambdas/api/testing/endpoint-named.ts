/** Looks endpoints up by their operation id, as tests that go through the OpenAPI document need. */
import type { Endpoint } from '../../../protocol/endpoints/endpoint.ts';
import { endpoints } from '../../../protocol/endpoints/index.ts';

const byId = new Map(endpoints.map((one) => [one.operationId, one]));

/** Returns the endpoint with that operation id. Throws when the table has none. */
export const endpointNamed = (operationId: string): Endpoint => {
  const found = byId.get(operationId);
  if (!found) throw new Error(`No endpoint has the operation id ${operationId}.`);
  return found;
};
