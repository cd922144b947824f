/** Selects another resource of the project, such as a key or an inventory. */
import { type UseQueryOptions, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { messageOf } from '../data/request.ts';
import { Select } from '../ui/field.tsx';

interface ReferenceFieldProps<T> {
  readonly label: string;
  readonly query: UseQueryOptions<T[], Error, T[], string[]>;
  readonly value: string;
  readonly onChange: (id: string) => void;
  readonly error: string | undefined;
  readonly hint?: ReactNode;
  readonly isRequired?: boolean;
  /** Label of the empty choice. */
  readonly none?: string;
}

export const ReferenceField = <T extends { readonly id: string; readonly name: string }>({
  query,
  none = 'None',
  hint,
  ...field
}: ReferenceFieldProps<T>): ReactNode => {
  const { data, error } = useQuery(query);
  return (
    <Select
      {...field}
      hint={error ? messageOf(error) : hint}
      options={
        data
          ? [{ value: '', label: none }, ...data.map(({ id, name }) => ({ value: id, label: name }))]
          : [{ value: field.value, label: error ? 'Not loaded' : 'Loading…' }]
      }
    />
  );
};
