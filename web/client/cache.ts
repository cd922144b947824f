/** The cache of what the API said. */
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiProblem } from './request.ts';
import { meQuery } from './session.ts';

/** The session is over, or was ended elsewhere: who one is has to be asked anew. */
const noticeSignOut = (error: Error) => {
  if (error instanceof ApiProblem && error.status === 401) queryClient.setQueryData(meQuery.queryKey, null);
};

const maxRetries = 2;

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noticeSignOut }),
  mutationCache: new MutationCache({ onError: noticeSignOut }),
  defaultOptions: {
    queries: {
      staleTime: 2000,
      // What the API refuses it will refuse again.
      retry: (failures, error) =>
        failures < maxRetries && !(error instanceof ApiProblem && error.status >= 400 && error.status < 500),
    },
  },
});
