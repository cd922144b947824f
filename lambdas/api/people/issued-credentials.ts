/**
 * What people mint for others to use: API tokens, invitations, registration tokens. Each is good only while the person on whose behalf it
 * was made may make its like.
 */
import type { Pool } from '../../adapters/table.ts';
import { mayCall, roleIn, type Standing } from '../../core/people/permissions.ts';
import type { ApiDeps } from '../deps.ts';

type Stores = Pick<ApiDeps, 'apiTokens' | 'invitations' | 'registrationTokens'>;

/** What somebody may who may nothing. */
export const nothing: Standing = { isAdmin: false, roles: {} };

/** The stack itself, and all of its projects. */
export const everywhere = async ({ projects }: Pick<ApiDeps, 'projects'>): Promise<Pool[]> => [
  'global',
  ...(await projects.list()).map(({ id }) => id),
];

/** Revokes, of what was minted in those pools on behalf of a person, all that they may not mint there as they stand now. */
export const revokeMinted = async (
  { apiTokens, invitations, registrationTokens }: Stores,
  person: Standing & { readonly id: string },
  pools: readonly Pool[],
): Promise<void> => {
  const may = (pool: Pool, operation: string) =>
    mayCall(roleIn(person, pool === 'global' ? undefined : pool), operation);
  await apiTokens.revokeMadeBy(
    person.id,
    (pool) => pools.includes(pool) && !may(pool, pool === 'global' ? 'createAdminToken' : 'createApiToken'),
  );
  for (const pool of pools) {
    if (pool !== 'global' && !may(pool, 'createInvitation')) {
      await invitations.revokeThose(pool, ['createdBy', person.id]);
    }
    const registration =
      pool === 'global' ? 'createGlobalRegistrationToken' : 'createProjectRegistrationToken';
    if (!may(pool, registration)) await registrationTokens.revokeMadeBy(person.id, pool);
  }
};

/** Revokes the invitations of an address into those pools: an older one would give back what was taken. */
export const revokePending = async (
  { invitations }: Pick<Stores, 'invitations'>,
  email: string,
  pools: readonly Pool[],
): Promise<void> => {
  for (const pool of pools) if (pool !== 'global') await invitations.revokeThose(pool, ['email', email]);
};
