/** User who is signed in, and their permissions. */
import { queryOptions, useSuspenseQuery } from '@tanstack/react-query';
import type * as z from 'zod';
import { getMe, getSetupState } from '../../protocol/endpoints/session.ts';
import { type EffectiveRole, isAtLeast, type me, roleIn } from '../../protocol/index.ts';
import { ApiProblem, call } from './request.ts';

export const setupQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: ({ signal }) => call(getSetupState, {}, { signal }),
  staleTime: Number.POSITIVE_INFINITY,
});

/** Signed-in user; `null` when nobody is signed in. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }) => {
    try {
      return await call(getMe, {}, { signal });
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

export type Me = z.infer<typeof me>;

/** Returns the signed-in user. For pages that require one. */
export const useMe = (): Me => {
  const { data } = useSuspenseQuery(meQuery);
  if (!data)
    throw new ApiProblem({ code: 'unauthenticated', status: 401, detail: 'Sign in to see this page.' });
  return data;
};

/**
 * Returns true when the user's role in the project is at least `least`. The control plane decides; the
 * console only hides what it would refuse.
 */
export const may = (who: Me, projectId: string | undefined, least: EffectiveRole): boolean =>
  isAtLeast(roleIn(who, projectId), least);

export const useMay = (projectId: string | undefined, least: EffectiveRole): boolean =>
  may(useMe(), projectId, least);
