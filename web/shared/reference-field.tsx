/**
 * Field for another resource of the project, such as a key or an inventory. Few are a native select, which
 * works best with a finger and with a screen reader; many are searched.
 */
import type { ReactNode } from 'react';
import type { Choice } from '../../protocol/endpoints/choices.ts';
import type { Choices } from '../data/choices.ts';
import { messageOf } from '../data/request.ts';
import { type FieldProps, Frame, Select } from '../ui/field.tsx';
import { SearchChoice } from './search-choice.tsx';
import { useChoices } from './use-choices.ts';

interface ReferenceFieldProps extends FieldProps {
  readonly choices: Choices;
  readonly value: string;
  readonly onChange: (id: string) => void;
  /** Label of the empty choice. */
  readonly none?: string;
  /** Leaves out the others. @default none */
  readonly only?: (one: Choice) => boolean;
}

export const ReferenceField = ({
  choices,
  none = 'None',
  hint,
  only = () => true,
  ...field
}: ReferenceFieldProps): ReactNode => {
  const { all, error, hasToSearch, search } = useChoices(choices, field.value);
  const { label, value, onChange, isRequired = false } = field;
  if (!hasToSearch)
    return (
      <Select
        {...field}
        hint={error ? messageOf(error) : hint}
        options={
          all
            ? [
                { value: '', label: none },
                ...all.filter(only).map(({ id, name }) => ({ value: id, label: name })),
              ]
            : [{ value, label: error ? 'Not loaded' : 'Loading…' }]
        }
      />
    );
  return (
    <Frame
      {...field}
      error={field.error && value === '' ? 'Choose one' : field.error}
      hint={hint}
      isRequired={isRequired}
    >
      {({ id, describedBy, invalid }) => (
        <SearchChoice
          {...search}
          found={search.found?.filter(only)}
          label={label}
          onChange={onChange}
          none={isRequired ? undefined : none}
          id={id}
          describedBy={describedBy}
          isInvalid={invalid}
          isRequired={isRequired}
        />
      )}
    </Frame>
  );
};
