/** Cache of the API's answers. */
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { noticeAnswer, noticeOutage } from './outage.ts';
import { ApiProblem } from './request.ts';
import { meQuery } from './session.ts';

/**
 * Leads to the sign-in page: the session expired, or was ended elsewhere. A wrong password also answers 401,
 * and ends no session.
 */
const noticeSignOut = (error: Error) => {
  if (error instanceof ApiProblem && error.code === 'unauthenticated')
    queryClient.setQueryData(meQuery.queryKey, null);
};

/** Repeats queries that failed during an outage and are not polled: they would stay failed otherwise. */
const catchUp = () =>
  queryClient.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' });

const maxRetries = 2;

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      noticeSignOut(error);
      noticeOutage(error);
    },
    onSuccess: () => {
      if (noticeAnswer()) void catchUp();
    },
  }),
  mutationCache: new MutationCache({ onError: noticeSignOut }),
  defaultOptions: {
    queries: {
      staleTime: 2000,
      // Queries run also without a network: a query that is held back would fail silently.
      networkMode: 'always',
      refetchOnReconnect: true,
      // A request that the API refused is not retried: the answer would be the same.
      retry: (failures, error) =>
        failures < maxRetries && !(error instanceof ApiProblem && error.status >= 400 && error.status < 500),
    },
    // Forms hold secrets: nothing that was sent stays in memory.
    mutations: { networkMode: 'always', gcTime: 0 },
  },
});
