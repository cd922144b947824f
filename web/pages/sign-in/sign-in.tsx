/** Sign-in, with the code of an authenticator if one is set up. */
import { useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { login } from '../../../protocol/endpoints/session.ts';
import { ApiProblem, call } from '../../data/request.ts';
import { meQuery } from '../../data/session.ts';
import { EmailField, PasswordField } from '../../shared/common-fields.tsx';
import { TextField } from '../../ui/field.tsx';
import { useForm } from '../../ui/form.tsx';
import { Front, FrontForm } from '../../ui/front.tsx';
import { ProviderSignIn } from './provider-sign-in.tsx';

/** Accepts only paths in the console, to prevent open redirects. */
const isOurs = (to: string | undefined): to is string => to?.startsWith('/') === true && !to.startsWith('//');

export const SignInPage = (): ReactNode => {
  const router = useRouter();
  const client = useQueryClient();
  const { to } = useSearch({ from: '/sign-in' });
  const [needsCode, setNeedsCode] = useState(false);
  const form = useForm({ email: '', password: '', totp: '' }, async ({ email, password, totp }) => {
    try {
      await call(login, {
        body: { email, password, totp: needsCode ? totp.trim() : undefined },
      });
    } catch (error) {
      if (!(error instanceof ApiProblem && error.code === 'totp_required')) throw error;
      setNeedsCode(true);
      return;
    }
    // The cache may hold data of another user.
    client.clear();
    await client.fetchQuery(meQuery);
    router.history.push(isOurs(to) ? to : '/');
  });
  const { value, set } = form;
  return (
    <Front title="Sign in">
      <FrontForm form={form} action={needsCode ? 'Confirm' : 'Sign in'}>
        {needsCode ? (
          <TextField
            key="totp"
            label="Code from your authenticator"
            hint="The 6 digits that your authenticator shows for Reveille."
            value={value.totp}
            onChange={(totp) => set({ totp })}
            autoComplete="one-time-code"
            inputMode="numeric"
            error={form.errorAt('totp')}
            isRequired
          />
        ) : (
          <>
            <EmailField {...form.field('email')} />
            <PasswordField {...form.field('password')} />
          </>
        )}
      </FrontForm>
      <ProviderSignIn returnTo={isOurs(to) ? to : '/'} />
    </Front>
  );
};
