/** Selects another resource of the project, such as a key or an inventory. */
import { type UseQueryOptions, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
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
  ...field
}: ReferenceFieldProps<T>): ReactNode => {
  const { data = [] } = useQuery(query);
  return (
    <Select
      {...field}
      options={[{ value: '', label: none }, ...data.map(({ id, name }) => ({ value: id, label: name }))]}
    />
  );
};
