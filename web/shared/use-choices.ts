/** Choices of a field or a filter, and the chosen one. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Choices } from '../data/choices.ts';
import { useSettled } from '../ui/settled.ts';

export const useChoices = (choices: Choices, value: string) => {
  const [search, setSearch] = useState('');
  const first = useQuery(choices.matching(''));
  const found = useQuery(choices.matching(useSettled(search)));
  const listed = [first, found].flatMap(({ data }) => data?.items ?? []).find(({ id }) => id === value);
  const isElsewhere = value !== '' && !listed && first.data !== undefined;
  const { data: read } = useQuery({ ...choices.one(value), enabled: isElsewhere });
  const chosen = listed ?? read;
  return {
    /** All choices, if they are few; undefined while they load, and when one has to search. */
    all: first.data?.nextCursor === undefined ? first.data?.items : undefined,
    error: first.error,
    hasToSearch: first.data?.nextCursor !== undefined,
    search: {
      chosen: chosen ?? (value === '' ? undefined : { id: value, name: '…' }),
      found: found.data?.items,
      hasMore: found.data?.nextCursor !== undefined,
      onSearch: setSearch,
    },
  };
};
