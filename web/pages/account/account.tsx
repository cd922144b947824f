/** Account of the signed-in user: password, authenticator, signing out. */
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { encode } from 'uqr';
import { changePassword, confirmTotp, offerTotp, removeTotp } from '../../../protocol/endpoints/account.ts';
import type { AnswerOf } from '../../../protocol/endpoints/call.ts';
import { logout } from '../../../protocol/endpoints/session.ts';
import { call } from '../../data/request.ts';
import { meQuery, useMe } from '../../data/session.ts';
import { NewPasswordField, PasswordField } from '../../shared/common-fields.tsx';
import { Button } from '../../ui/button.tsx';
import { Code } from '../../ui/copy.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { FormFrame, useForm } from '../../ui/form.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { say } from '../../ui/toast.tsx';

export const AccountPage = (): ReactNode => {
  const client = useQueryClient();
  const { name, user } = useMe();
  const [isChanging, setChanging] = useState<'totp' | 'no-totp'>();
  const signOut = async () => {
    await call(logout, {}).catch(() => undefined);
    client.clear();
    location.assign('/sign-in');
  };
  const close = () => setChanging(undefined);
  return (
    <Page
      title={name}
      lead={user?.email}
      actions={
        <Button icon="signOut" onPress={signOut}>
          Sign out
        </Button>
      }
    >
      <div className="cards">
        <PasswordCard />
        <Card title="Authenticator">
          <div className="stack">
            <p className="quiet-text">
              {user?.hasTotp
                ? 'Each sign-in needs a code from your authenticator.'
                : 'With an authenticator app, a sign-in needs your password and a code that only your phone knows.'}
            </p>
            <div>
              {user?.hasTotp ? (
                <Button onPress={() => setChanging('no-totp')}>Remove the authenticator</Button>
              ) : (
                <Button onPress={() => setChanging('totp')}>Set up an authenticator</Button>
              )}
            </div>
          </div>
        </Card>
      </div>
      {isChanging === 'totp' && <SetUpTotp onClose={close} />}
      {isChanging === 'no-totp' && <RemoveTotp onClose={close} />}
    </Page>
  );
};

const PasswordCard = (): ReactNode => {
  const [round, setRound] = useState(0);
  return (
    <Card title="Password">
      <PasswordForm key={round} onChanged={() => setRound(round + 1)} />
    </Card>
  );
};

const PasswordForm = ({ onChanged }: { readonly onChanged: () => void }): ReactNode => {
  const form = useForm({ current: '', next: '' }, async (body) => {
    await call(changePassword, { body });
    say('The password is changed. All other sessions have ended.');
    onChanged();
  });
  const { field } = form;
  return (
    <FormFrame form={form} action="Change password">
      <PasswordField label="Current password" {...field('current')} />
      <NewPasswordField label="New password" {...field('next')} />
    </FormFrame>
  );
};

/** Draws dark squares on a light ground in every theme, as scanners need. */
const QrCode = ({ text }: { readonly text: string }): ReactNode => {
  const { data, size } = encode(text, { border: 2 });
  const path = data
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')))
    .join('');
  return (
    <svg
      className="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label="QR code for your authenticator"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
};

const SetUpTotp = ({ onClose }: { readonly onClose: () => void }): ReactNode => {
  const client = useQueryClient();
  const [offered, setOffered] = useState<AnswerOf<typeof offerTotp>>();
  const ask = useForm({ password: '' }, async (body) => {
    setOffered(await call(offerTotp, { body }));
  });
  const confirm = useForm({ code: '' }, async ({ code }) => {
    await call(confirmTotp, { body: { code: code.trim() } });
    await client.invalidateQueries({ queryKey: meQuery.queryKey });
    onClose();
    say('The authenticator is set up.');
  });
  return (
    <Dialog title="Set up an authenticator" onClose={onClose}>
      {offered ? (
        <FormFrame form={confirm} action="Confirm">
          <p>Scan this with your authenticator app, or type the secret in there.</p>
          <QrCode text={offered.uri} />
          <Code label="Secret" text={offered.secret} />
          <TextField
            label="Code"
            hint="The 6 digits that it shows now."
            autoComplete="one-time-code"
            inputMode="numeric"
            {...confirm.field('code')}
            isRequired
          />
        </FormFrame>
      ) : (
        <FormFrame form={ask} action="Continue">
          <PasswordField label="Your password" {...ask.field('password')} />
        </FormFrame>
      )}
    </Dialog>
  );
};

const RemoveTotp = ({ onClose }: { readonly onClose: () => void }): ReactNode => {
  const client = useQueryClient();
  const form = useForm({ password: '' }, async (body) => {
    await call(removeTotp, { body });
    await client.invalidateQueries({ queryKey: meQuery.queryKey });
    onClose();
  });
  return (
    <Dialog title="Remove the authenticator?" onClose={onClose}>
      <FormFrame form={form} action="Remove">
        <p>You then sign in with your password only.</p>
        <PasswordField label="Your password" {...form.field('password')} />
      </FormFrame>
    </Dialog>
  );
};
