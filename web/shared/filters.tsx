/** Filters over a table. Their values are in the page's address. */
import { type ReactNode, useEffect, useRef, useState } from 'react';

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

interface TextFilterProps {
  readonly label: string;
  readonly value: string | undefined;
  /** Called when the typing pauses or the field loses the focus. */
  readonly onChange: (value: string | undefined) => void;
  readonly type?: 'search' | 'datetime-local';
  readonly placeholder?: string;
  readonly className?: string;
  readonly max?: string;
}

const pauseMs = 250;

export const TextFilter = ({
  label,
  value = '',
  onChange,
  type = 'search',
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
      onBlur={() => {
        clearTimeout(pause.current);
        if (pause.current !== undefined) apply(typed ?? '');
        setTyped(undefined);
      }}
    />
  );
};
