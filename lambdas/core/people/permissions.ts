/** Permissions of people: each endpoint's `access` against the roles of a caller. */
import type { Endpoint } from '../../../protocol/endpoints/endpoint.ts';
import { type EffectiveRole, isAtLeast, isEffectiveRole } from '../../../protocol/index.ts';

/**
 * True when a change by that endpoint outlasts its caller. Endpoints for managers and above make tokens,
 * members and settings; tasks end.
 */
export const outlivesCaller = ({ access }: Pick<Endpoint, 'access'>): boolean =>
  access === 'manager' || access === 'owner' || access === 'admin';

/** True when a signed-in person with that role may call the endpoint. */
export const mayCall = (role: EffectiveRole | undefined, { access }: Pick<Endpoint, 'access'>): boolean => {
  if (access === 'anybody' || access === 'person') return true;
  return isEffectiveRole(access) && isAtLeast(role, access);
};
