/** First set-up: the holder of the admin token creates the first user. */
import { useQueryClient } from '@tanstack/react-query';
import { useLocation, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { setUp } from '../../../protocol/endpoints/session.ts';
import { call } from '../../data/request.ts';
import { meQuery, setupQuery } from '../../data/session.ts';
import { readFirstRun } from '../../layout/first-run.ts';
import { EmailField, NewPasswordField, OwnNameField } from '../../shared/common-fields.tsx';
import { TextField } from '../../ui/field.tsx';
import { useForm } from '../../ui/form.tsx';
import { Front, FrontForm } from '../../ui/front.tsx';

export const SetupPage = (): ReactNode => {
  const navigate = useNavigate();
  const client = useQueryClient();
  // A link with a token may be followed while this page is open.
  useLocation();
  const given = readFirstRun();
  const form = useForm({ token: '', name: '', email: '', password: '' }, async ({ token, ...body }) => {
    await call(setUp, { body }, { token: given.token ?? token.trim() });
    client.setQueryData(setupQuery.queryKey, { isSetUp: true });
    await client.fetchQuery({ ...meQuery, staleTime: 0 });
    await navigate({ to: '/welcome' });
  });
  const { value, set } = form;
  return (
    <Front
      title="Set up Reveille"
      lead="There are no users yet. The holder of the admin token, which was shown when the stack first started, becomes its owner here."
    >
      <FrontForm form={form} action="Set up">
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
        <OwnNameField {...form.field('name')} />
        <EmailField {...form.field('email')} />
        <NewPasswordField {...form.field('password')} />
      </FrontForm>
    </Front>
  );
};
