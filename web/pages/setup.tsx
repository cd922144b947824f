/** The first set-up: whoever holds the admin token makes themselves the first person. */
import { useQueryClient } from '@tanstack/react-query';
import { useLocation, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { send } from '../client/request.ts';
import { meQuery, setupQuery } from '../client/session.ts';
import { readFirstRun } from '../shell/first-run.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/field.tsx';
import { useForm } from '../ui/form.tsx';
import { Front } from '../ui/front.tsx';
import { Notice } from '../ui/notice.tsx';

export const SetupPage = (): ReactNode => {
  const navigate = useNavigate();
  const client = useQueryClient();
  // A link with a token may be followed while this page is open.
  useLocation();
  const given = readFirstRun();
  const form = useForm({ token: '', name: '', email: '', password: '' }, async ({ token, ...body }) => {
    await send('POST', '/api/setup', { body, token: given.token ?? token.trim() });
    client.setQueryData(setupQuery.queryKey, { isSetUp: true });
    await client.fetchQuery({ ...meQuery, staleTime: 0 });
    await navigate({ to: '/welcome' });
  });
  const { value, set } = form;
  return (
    <Front
      title="Set up Reveille"
      lead="Nobody can sign in yet. Whoever holds the admin token, which was shown when the stack was started first, becomes its owner here."
    >
      <form onSubmit={form.submit} noValidate>
        {given.token === undefined && (
          <TextField
            label="Admin token"
            type="password"
            hint="It begins with tok_. The stack prints it once."
            value={value.token}
            onChange={(token) => set({ token })}
            isRequired
          />
        )}
        <TextField
          label="Your name"
          value={value.name}
          onChange={(name) => set({ name })}
          autoComplete="name"
          error={form.errorAt('name')}
          isRequired
        />
        <TextField
          label="E-mail"
          type="email"
          value={value.email}
          onChange={(email) => set({ email })}
          autoComplete="username"
          error={form.errorAt('email')}
          isRequired
        />
        <TextField
          label="Password"
          type="password"
          hint="12 characters or more."
          value={value.password}
          onChange={(password) => set({ password })}
          autoComplete="new-password"
          error={form.errorAt('password')}
          isRequired
        />
        {form.error && <Notice kind="bad">{form.error}</Notice>}
        <Button look="primary" type="submit" isPending={form.isBusy}>
          Set up
        </Button>
      </form>
    </Front>
  );
};
