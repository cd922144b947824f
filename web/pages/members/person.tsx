/** Person in a table: the name, with the e-mail address under it. */
import type { ReactNode } from 'react';
import type { User } from '../../../protocol/index.ts';

export const Person = ({ name, email }: Pick<User, 'name' | 'email'>): ReactNode => (
  <>
    <strong>{name}</strong>
    <span className="sub">{email}</span>
  </>
);
