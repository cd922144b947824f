/**
 * Credentials that people issue for others: API tokens, invitations, registration tokens. Each is valid only
 * while its issuer may still issue the same.
 */

import type { Endpoint } from '../../../protocol/endpoints/endpoint.ts';
import { createAdminToken, createApiToken, createInvitation } from '../../../protocol/endpoints/people.ts';
import { runnersIn } from '../../../protocol/endpoints/runners.ts';
import { roleIn, type Standing } from '../../../protocol/index.ts';
import type { Pool } from '../../adapters/table.ts';
import { mayCall } from '../../core/people/permissions.ts';
import type { ApiDeps } from '../deps.ts';

type Stores = Pick<ApiDeps, 'apiTokens' | 'invitations' | 'registrationTokens'>;

/** Rights of a person without any role. */
export const nothing: Standing = { isAdmin: false, roles: {} };

/** The stack itself, and all of its projects. */
export const everywhere = async ({ projects }: Pick<ApiDeps, 'projects'>): Promise<Pool[]> => [
  'global',
  ...(await projects.list()).map(({ id }) => id),
];

/** Revokes the credentials of those pools that a person issued and may no longer issue there. */
export const revokeIssuedCredentials = async (
  { apiTokens, invitations, registrationTokens }: Stores,
  person: Standing & { readonly id: string },
  pools: readonly Pool[],
): Promise<void> => {
  const may = (pool: Pool, endpoint: Endpoint) =>
    mayCall(roleIn(person, pool === 'global' ? undefined : pool), endpoint);
  await apiTokens.revokeMadeBy(
    person.id,
    (pool) => pools.includes(pool) && !may(pool, pool === 'global' ? createAdminToken : createApiToken),
  );
  for (const pool of pools) {
    if (pool !== 'global' && !may(pool, createInvitation)) {
      await invitations.revokeThose(pool, ['createdBy', person.id]);
    }
    const { endpoints } = runnersIn(pool === 'global' ? undefined : pool);
    if (!may(pool, endpoints.createRegistrationToken)) await registrationTokens.revokeMadeBy(person.id, pool);
  }
};

/** Revokes the invitations of an address into those pools: an older one would restore a removed role. */
export const revokePending = async (
  { invitations }: Pick<Stores, 'invitations'>,
  email: string,
  pools: readonly Pool[],
): Promise<void> => {
  for (const pool of pools) if (pool !== 'global') await invitations.revokeThose(pool, ['email', email]);
};
