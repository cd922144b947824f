/** Fields shared by many forms: name and description of a resource; name, e-mail and password of a person. */
import type { ReactNode } from 'react';
import { type Role, roles } from '../../protocol/index.ts';
import { roleNames } from '../pages/members/roles.ts';
import { Select, TextField } from '../ui/field.tsx';
import type { Bound } from '../ui/form.tsx';

interface NameProps extends Bound<string> {
  readonly hint?: string;
  readonly placeholder?: string;
}

export const NameField = (field: NameProps): ReactNode => <TextField label="Name" {...field} isRequired />;

export const DescriptionField = (field: Bound<string>): ReactNode => (
  <TextField label="Description" {...field} />
);

/** Name of the user who fills in the form. */
export const OwnNameField = (field: Bound<string>): ReactNode => (
  <TextField label="Your name" autoComplete="name" {...field} isRequired />
);

export const EmailField = (field: Bound<string> & { readonly isOwn?: boolean }): ReactNode => {
  const { isOwn = true, ...bound } = field;
  return (
    <TextField label="E-mail" type="email" autoComplete={isOwn ? 'username' : 'off'} {...bound} isRequired />
  );
};

interface PasswordProps extends Bound<string> {
  readonly label?: string;
  readonly hint?: string;
}

/** Existing password. */
export const PasswordField = (field: PasswordProps): ReactNode => (
  <TextField label="Password" type="password" autoComplete="current-password" {...field} isRequired />
);

/** New password. */
export const NewPasswordField = (field: PasswordProps): ReactNode => (
  <TextField
    label="Password"
    type="password"
    autoComplete="new-password"
    hint="12 characters or more."
    {...field}
    isRequired
  />
);

export const RoleField = ({ onChange, ...field }: Bound<Role>): ReactNode => (
  <Select
    label="Role"
    {...field}
    onChange={(role) => onChange(role as Role)}
    options={roles.map((role) => ({ value: role, label: roleNames[role] }))}
    isRequired
  />
);
