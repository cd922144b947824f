/** Permissions of people: each endpoint's `access` against the roles of a caller. */
import type { Access, Endpoint } from '../../../protocol/endpoints/endpoint.ts';
import { type EffectiveRole, isAtLeast, roles } from '../../../protocol/index.ts';

/**
 * True when a change by that endpoint outlasts its caller. Endpoints for managers and above make tokens,
 * members and settings; tasks end.
 */
export const outlivesCaller = ({ access }: Pick<Endpoint, 'access'>): boolean =>
  access === 'manager' || access === 'owner' || access === 'admin';

const ranks: readonly string[] = [...roles, 'admin'];

const isRole = (access: Access): access is EffectiveRole => ranks.includes(access);

/** True when a signed-in person with that role may call the endpoint. */
export const mayCall = (role: EffectiveRole | undefined, { access }: Pick<Endpoint, 'access'>): boolean => {
  if (access === 'anybody' || access === 'person') return true;
  return isRole(access) && isAtLeast(role, access);
};
