/** Link to the stack's sign-in provider, if it has one. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { targetOf } from '../../../protocol/endpoints/call.ts';
import { startProviderSignIn } from '../../../protocol/endpoints/sign-in-provider.ts';
import { setupQuery } from '../../data/session.ts';
import { Anchor } from '../../ui/button.tsx';

/** Link to the provider. `returnTo` is the path in the console to return to, signed in. */
export const ProviderSignIn = ({ returnTo }: { readonly returnTo: string }): ReactNode => {
  const { data } = useQuery(setupQuery);
  if (data?.signInProvider === undefined) return null;
  return (
    <Anchor href={targetOf(startProviderSignIn, { query: { returnTo } })}>
      Sign in with {data.signInProvider}
    </Anchor>
  );
};
