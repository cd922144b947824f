/** Accepting an invitation. Its token comes in the fragment of the link, which no server sees. */
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { send } from '../client/request.ts';
import { meQuery } from '../client/session.ts';
import { Button } from '../ui/button.tsx';
import { Checkbox, TextField } from '../ui/field.tsx';
import { useForm } from '../ui/form.tsx';
import { Front } from '../ui/front.tsx';
import { Notice } from '../ui/notice.tsx';

export const InvitationPage = (): ReactNode => {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [token] = useState(() => location.hash.slice(1));
  const [isKnown, setKnown] = useState(false);
  const form = useForm({ name: '', password: '' }, async ({ name, password }) => {
    await send('POST', '/api/invitations/accept', { body: { token, password, ...(!isKnown && { name }) } });
    client.clear();
    const who = await client.fetchQuery(meQuery);
    await navigate({ to: who ? '/' : '/sign-in' });
  });
  const { value, set } = form;
  return (
    <Front title="Join a project" lead="You were invited into a project of this Reveille.">
      {token === '' ? (
        <Notice kind="bad">This link has no invitation in it. Ask for the whole link.</Notice>
      ) : (
        <form onSubmit={form.submit} noValidate>
          <Checkbox label="I have an account here already" isChecked={isKnown} onChange={setKnown} />
          {!isKnown && (
            <TextField
              label="Your name"
              value={value.name}
              onChange={(name) => set({ name })}
              autoComplete="name"
              error={form.errorAt('name')}
              isRequired
            />
          )}
          <TextField
            label="Password"
            type="password"
            hint={isKnown ? 'The one that you have.' : '12 characters or more.'}
            value={value.password}
            onChange={(password) => set({ password })}
            autoComplete={isKnown ? 'current-password' : 'new-password'}
            error={form.errorAt('password')}
            isRequired
          />
          {form.error && <Notice kind="bad">{form.error}</Notice>}
          <Button look="primary" type="submit" isPending={form.isBusy}>
            Join
          </Button>
        </form>
      )}
    </Front>
  );
};
