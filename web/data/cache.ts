/** The cache of what the API said. */
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { noticeAnswer, noticeOutage } from './outage.ts';
import { ApiProblem } from './request.ts';
import { meQuery } from './session.ts';

/** The session is over, or was ended elsewhere: who one is has to be asked anew. */
const noticeSignOut = (error: Error) => {
  if (error instanceof ApiProblem && error.status === 401) queryClient.setQueryData(meQuery.queryKey, null);
};

/** What failed meanwhile, and is not polled, would else stay as it was before. */
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
      // Also without a network: a query that is held back would fail without anybody being told.
      networkMode: 'always',
      refetchOnReconnect: true,
      // What the API refuses it will refuse again.
      retry: (failures, error) =>
        failures < maxRetries && !(error instanceof ApiProblem && error.status >= 400 && error.status < 500),
    },
  },
});
