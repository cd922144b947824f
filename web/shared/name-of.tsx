/** Name of a resource that is known by its id. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Choices } from '../data/choices.ts';

interface NameOfProps {
  readonly choices: Choices;
  readonly id: string;
}

/** Shows the id when the resource was deleted. */
export const NameOf = ({ choices, id }: NameOfProps): ReactNode => {
  const { data, error } = useQuery(choices.one(id));
  return data?.name ?? (error ? id : '');
};
