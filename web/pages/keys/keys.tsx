/** Key store of a project. Secrets can be written and never read. */
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { keys } from '../../../protocol/endpoints/resources.ts';
import type { Key, KeyUpdate } from '../../../protocol/index.ts';
import { NameField } from '../../shared/common-fields.tsx';
import { type FieldsProps, type Kind, ResourcePage } from '../../shared/resource-page.tsx';
import { Select, TextArea, TextField } from '../../ui/field.tsx';
import { Ago } from '../../ui/time.tsx';

interface Draft {
  readonly name: string;
  readonly type: Key['type'];
  readonly login: string;
  readonly secret: string;
  readonly passphrase: string;
  readonly knownHosts: string;
  /** Stored type, when the key is edited. A stored secret stays unless a new one is typed. */
  readonly before: Key['type'] | undefined;
}

const types: Readonly<Record<Key['type'], string>> = {
  ssh: 'SSH key',
  login_password: 'Login with password',
  string: 'String, such as a token or a vault password',
  none: 'None: for public repositories',
};

const secretOf = (draft: Draft): KeyUpdate['secret'] => {
  const { type, login, secret, passphrase, knownHosts } = draft;
  const isKept = type === draft.before && secret.trim() === '';
  switch (type) {
    case 'none':
      return { type };
    case 'string':
      return { type, value: isKept ? undefined : secret };
    case 'login_password':
      return { type, login, password: isKept ? undefined : secret };
    case 'ssh':
      return {
        type,
        // `ssh` refuses a PEM without its last line end.
        privateKey: isKept ? undefined : secret.trim() === '' ? '' : `${secret.trimEnd()}\n`,
        login: login || undefined,
        passphrase: passphrase || undefined,
        knownHosts: knownHosts.trim() === '' ? undefined : knownHosts,
      };
  }
};

const keptHint = 'It is stored, and kept unless you type a new one.';

const Fields = ({ form: { value, set, field, errorAt } }: FieldsProps<Draft>): ReactNode => (
  <>
    <NameField {...field('name')} />
    <Select
      label="Type"
      value={value.type}
      onChange={(type) => set({ type: type as Key['type'] })}
      options={Object.entries(types).map(([type, label]) => ({ value: type, label }))}
      isRequired
    />
    {(value.type === 'ssh' || value.type === 'login_password') && (
      <TextField
        label="Login"
        {...field('login', 'secret.login')}
        isRequired={value.type === 'login_password'}
      />
    )}
    {value.type === 'ssh' && (
      <>
        <TextArea
          label="Private key"
          rows={8}
          isCode
          placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
          hint={value.type === value.before && keptHint}
          {...field('secret', 'secret.privateKey')}
          isRequired={value.type !== value.before}
        />
        <TextField
          label="Passphrase"
          type="password"
          autoComplete="new-password"
          hint={value.type === value.before && 'Kept with its private key, unless you type a new one.'}
          {...field('passphrase', 'secret.passphrase')}
        />
        <TextArea
          label="Known hosts"
          isCode
          hint="In known_hosts format: no other host key is accepted. Empty: the first host key seen is accepted."
          {...field('knownHosts', 'secret.knownHosts')}
        />
      </>
    )}
    {(value.type === 'string' || value.type === 'login_password') && (
      <TextField
        label={value.type === 'string' ? 'Secret' : 'Password'}
        type="password"
        autoComplete="new-password"
        value={value.secret}
        onChange={(secret) => set({ secret })}
        hint={value.type === value.before && keptHint}
        error={errorAt(value.type === 'string' ? 'secret.value' : 'secret.password')}
        isRequired={value.type !== value.before}
      />
    )}
  </>
);

const kind: Kind<Key, Draft> = {
  one: 'key',
  title: 'Keys',
  icon: 'keys',
  lead: 'Credentials for repositories and hosts. Secrets can be stored but never read.',
  purpose: 'A key opens a private repository, the hosts of an inventory, or an Ansible vault.',
  endpoints: keys,
  columns: [
    { header: 'Type', render: ({ type, algorithm }) => algorithm ?? types[type].replace(/[,:].*/, '') },
    {
      header: 'Fingerprint',
      from: 'desktop',
      render: ({ fingerprint }) => fingerprint && <code className="break">{fingerprint}</code>,
    },
    { header: 'Created', from: 'tablet', render: ({ createdAt }) => <Ago at={createdAt} /> },
  ],
  emptyDraft: {
    name: '',
    type: 'ssh',
    login: '',
    secret: '',
    passphrase: '',
    knownHosts: '',
    before: undefined,
  },
  draftOf: ({ name, type, login = '', knownHosts = '' }) => ({
    name,
    type,
    login,
    secret: '',
    passphrase: '',
    knownHosts,
    before: type,
  }),
  inputOf: (draft): KeyUpdate => ({ name: draft.name, secret: secretOf(draft) }),
  Fields,
  // The secret cannot be read back, so the copy asks for it.
  stripCopy: (draft) => ({ ...draft, before: undefined }),
};

export const KeysPage = (): ReactNode => {
  const { projectId } = useParams({ from: '/signed-in/projects/$projectId/keys' });
  return <ResourcePage kind={kind} projectId={projectId} />;
};
