/** Accepts an invitation. Its token is in the fragment of the link, which no server sees. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { acceptInvitation } from '../../../protocol/endpoints/invitations.ts';
import type { User } from '../../../protocol/index.ts';
import { call } from '../../data/request.ts';
import { meQuery } from '../../data/session.ts';
import { NewPasswordField, OwnNameField, PasswordField } from '../../shared/common-fields.tsx';
import { Button } from '../../ui/button.tsx';
import { Checkbox } from '../../ui/field.tsx';
import { useForm } from '../../ui/form.tsx';
import { Front, FrontForm } from '../../ui/front.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Notice } from '../../ui/notice.tsx';
import { ProviderSignIn } from './provider-sign-in.tsx';

/** Accepts the invitation, and continues to the console or to the sign-in page. */
const useAccept = (token: string) => {
  const navigate = useNavigate();
  const client = useQueryClient();
  return async (claim: { readonly name?: string; readonly password?: string }): Promise<void> => {
    await call(acceptInvitation, { body: { token, ...claim } });
    client.clear();
    const who = await client.fetchQuery(meQuery);
    await navigate({ to: who ? '/' : '/sign-in' });
  };
};

interface Props {
  readonly token: string;
}

export const InvitationPage = (): ReactNode => {
  const [token] = useState(() => location.hash.slice(1));
  const [isForAnother, setForAnother] = useState(false);
  const me = useQuery(meQuery);
  return (
    <Front title="Join a project" lead="You were invited to a project on this Reveille stack.">
      {token === '' ? (
        <Notice kind="bad">This link contains no invitation. Ask for the complete link.</Notice>
      ) : (
        <Loaded query={me}>
          {(who) =>
            who?.user && !isForAnother ? (
              <JoinAs token={token} user={who.user} onAnother={() => setForAnother(true)} />
            ) : (
              <JoinByPassword token={token} />
            )
          }
        </Loaded>
      )}
    </Front>
  );
};

/** Accepts as the signed-in user, who has nothing more to prove. */
const JoinAs = ({
  token,
  user,
  onAnother,
}: Props & { readonly user: User; readonly onAnother: () => void }): ReactNode => {
  const accept = useAccept(token);
  const form = useForm({}, () => accept({}));
  return (
    <>
      <FrontForm form={form} action="Join">
        <p>
          You are signed in as <strong>{user.email}</strong>.
        </p>
      </FrontForm>
      <Button look="quiet" onPress={onAnother}>
        The invitation is for another address
      </Button>
    </>
  );
};

const JoinByPassword = ({ token }: Props): ReactNode => {
  const accept = useAccept(token);
  const [isKnown, setKnown] = useState(false);
  const form = useForm({ name: '', password: '' }, ({ name, password }) =>
    accept({ password, name: isKnown ? undefined : name }),
  );
  return (
    <>
      <FrontForm form={form} action="Join">
        <Checkbox label="I already have an account here" isChecked={isKnown} onChange={setKnown} />
        {!isKnown && <OwnNameField {...form.field('name')} />}
        {isKnown ? (
          <PasswordField hint="Your existing password." {...form.field('password')} />
        ) : (
          <NewPasswordField {...form.field('password')} />
        )}
      </FrontForm>
      <ProviderSignIn returnTo="/" />
    </>
  );
};
