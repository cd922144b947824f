/** Link to the stack's sign-in provider, if it has one. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { setupQuery } from '../../data/session.ts';
import { Anchor } from '../../ui/button.tsx';

/** Link to the provider. `returnTo` is the path in the console to return to, signed in. */
export const ProviderSignIn = ({ returnTo }: { readonly returnTo: string }): ReactNode => {
  const { data } = useQuery(setupQuery);
  if (data?.signInProvider === undefined) return null;
  const path = `/api/sign-in-provider/start?${new URLSearchParams({ returnTo })}`;
  return <Anchor href={path}>Sign in with {data.signInProvider}</Anchor>;
};
