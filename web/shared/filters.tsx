/** Filters over a table. Their values are in the page's address. */
import { type KeyboardEvent, type ReactNode, type Ref, useEffect, useRef, useState } from 'react';
import type { Choices } from '../data/choices.ts';
import { SearchChoice } from './search-choice.tsx';
import { useChoices } from './use-choices.ts';

interface SelectFilterProps {
  readonly label: string;
  readonly value: string | undefined;
  /** Undefined while they load. */
  readonly options: readonly { readonly value: string; readonly label: string }[] | undefined;
  readonly onChange: (value: string | undefined) => void;
}

export const SelectFilter = ({ label, value = '', options, onChange }: SelectFilterProps): ReactNode => (
  <select aria-label={label} value={value} onChange={({ target }) => onChange(target.value || undefined)}>
    <option value="">{label}: all</option>
    {/* The address may hold a value that is not listed, or not listed yet. */}
    {value !== '' && !options?.some((option) => option.value === value) && (
      <option value={value}>{options ? value : '…'}</option>
    )}
    {options?.map((option) => (
      <option key={option.value} value={option.value}>
        {option.label}
      </option>
    ))}
  </select>
);

interface ChoiceFilterProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly choices: Choices;
  readonly onChange: (value: string | undefined) => void;
}

/** Filter by another resource of the project: a select of a few, a search among many. */
export const ChoiceFilter = ({ choices, label, value = '', onChange }: ChoiceFilterProps): ReactNode => {
  const { all, hasToSearch, search } = useChoices(choices, value);
  const change = (id: string | undefined) => onChange(id || undefined);
  return hasToSearch ? (
    <SearchChoice {...search} label={label} none={`${label}: all`} onChange={change} />
  ) : (
    <SelectFilter
      label={label}
      value={value || undefined}
      options={all?.map(({ id, name }) => ({ value: id, label: name }))}
      onChange={change}
    />
  );
};

interface TextFilterProps {
  readonly label: string;
  readonly value: string | undefined;
  /** Called when the typing pauses or the field loses the focus. */
  readonly onChange: (value: string | undefined) => void;
  readonly type?: 'search' | 'datetime-local';
  readonly placeholder?: string;
  readonly className?: string;
  readonly max?: string;
  readonly ref?: Ref<HTMLInputElement>;
  readonly onKeyDown?: (event: KeyboardEvent<HTMLInputElement>) => void;
  readonly title?: string;
  readonly 'aria-keyshortcuts'?: string;
}

const pauseMs = 250;

export const TextFilter = ({
  label,
  value = '',
  onChange,
  type = 'search',
  onKeyDown,
  ...input
}: TextFilterProps): ReactNode => {
  // The field shows the typed text until it loses the focus, and then the value in the address.
  const [typed, setTyped] = useState<string>();
  const pause = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(pause.current), []);
  const apply = (text: string) => {
    pause.current = undefined;
    onChange(text.trim() || undefined);
  };
  return (
    <input
      {...input}
      type={type}
      aria-label={label}
      value={typed ?? value}
      onChange={({ target }) => {
        setTyped(target.value);
        clearTimeout(pause.current);
        pause.current = setTimeout(apply, pauseMs, target.value);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && pause.current !== undefined) {
          clearTimeout(pause.current);
          apply(event.currentTarget.value);
        }
        onKeyDown?.(event);
      }}
      onBlur={() => {
        clearTimeout(pause.current);
        if (pause.current !== undefined) apply(typed ?? '');
        setTyped(undefined);
      }}
    />
  );
};

const takesText = 'input, textarea, select, [contenteditable]';

/** Has the key "/" focus a field, unless it is typed into another one or a dialog is open. */
const useSlash = () => {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: globalThis.KeyboardEvent) => {
      const { key, ctrlKey, metaKey, altKey, target } = event;
      if (key !== '/' || ctrlKey || metaKey || altKey) return;
      if (target instanceof Element && target.closest(takesText)) return;
      // React Aria hides what is behind a dialog.
      if (field.current?.closest('[aria-hidden="true"], [inert]')) return;
      event.preventDefault();
      field.current?.select();
    };
    addEventListener('keydown', focus);
    return () => removeEventListener('keydown', focus);
  }, []);
  return field;
};

/** Searches a list. "/" goes to it, and the arrow down from it into the list. */
export const SearchFilter = (
  props: Pick<TextFilterProps, 'label' | 'value' | 'onChange' | 'placeholder'>,
): ReactNode => (
  <TextFilter
    {...props}
    ref={useSlash()}
    className="search"
    aria-keyshortcuts="/"
    title="Press / to search, and the arrow down for what is found"
    onKeyDown={(event) => {
      if (event.key !== 'ArrowDown') return;
      const page = event.currentTarget.closest('.page');
      page?.querySelector<HTMLElement>('tbody th :is(a, button)')?.focus();
      event.preventDefault();
    }}
  />
);
