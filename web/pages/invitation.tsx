/** Accepting an invitation. Its token comes in the fragment of the link, which no server sees. */
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { send } from '../client/request.ts';
import { meQuery } from '../client/session.ts';
import { NewPasswordField, OwnNameField, PasswordField } from '../parts/common-fields.tsx';
import { Checkbox } from '../ui/field.tsx';
import { useForm } from '../ui/form.tsx';
import { Front, FrontForm } from '../ui/front.tsx';
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
  return (
    <Front title="Join a project" lead="You were invited into a project of this Reveille.">
      {token === '' ? (
        <Notice kind="bad">This link has no invitation in it. Ask for the whole link.</Notice>
      ) : (
        <FrontForm form={form} action="Join">
          <Checkbox label="I have an account here already" isChecked={isKnown} onChange={setKnown} />
          {!isKnown && <OwnNameField {...form.field('name')} />}
          {isKnown ? (
            <PasswordField hint="The one that you have." {...form.field('password')} />
          ) : (
            <NewPasswordField {...form.field('password')} />
          )}
        </FrontForm>
      )}
    </Front>
  );
};
