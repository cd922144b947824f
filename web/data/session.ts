/** User who is signed in, and their permissions. */
import { queryOptions, useSuspenseQuery } from '@tanstack/react-query';
import type * as z from 'zod';
import { me, type Role, roles, setupState } from '../../protocol/index.ts';
import { ApiProblem, get } from './request.ts';

export const setupQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: ({ signal }) => get('/api/setup', setupState, {}, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

/** Signed-in user; `null` when nobody is signed in. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }) => {
    try {
      return await get('/api/me', me, {}, signal);
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

type Standing = Role | 'admin';
const ranks: readonly string[] = [...roles, 'admin'];

/**
 * Returns true when the user's role in the project is at least `least`. The control plane decides; the
 * console only hides what it would refuse.
 */
export const may = (who: Me, projectId: string | undefined, least: Standing): boolean => {
  const own = who.isAdmin
    ? 'admin'
    : projectId !== undefined && Object.hasOwn(who.roles, projectId)
      ? who.roles[projectId as keyof typeof who.roles]
      : undefined;
  return own !== undefined && ranks.indexOf(own) >= ranks.indexOf(least);
};

export const useMay = (projectId: string | undefined, least: Standing): boolean =>
  may(useMe(), projectId, least);
