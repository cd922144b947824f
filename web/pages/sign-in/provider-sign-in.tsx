/** The way to the stack's sign-in provider, where it has one. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { setupQuery } from '../../data/session.ts';
import { Anchor } from '../../ui/button.tsx';

/** `returnTo`: the path of ours to come back to, signed in. */
export const ProviderSignIn = ({ returnTo }: { readonly returnTo: string }): ReactNode => {
  const { data } = useQuery(setupQuery);
  if (data?.signInProvider === undefined) return null;
  const path = `/api/sign-in-provider/start?${new URLSearchParams({ returnTo })}`;
  return <Anchor href={path}>Sign in by {data.signInProvider}</Anchor>;
};
