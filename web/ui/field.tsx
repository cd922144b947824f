/** Form fields, each with a label, a hint, and an error. */
import { type ReactNode, useId, useState } from 'react';
import { IconButton } from './button.tsx';
import { Icon } from './icons.tsx';

export interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string;
  readonly isRequired?: boolean;
}

interface FrameProps extends FieldProps {
  readonly children: (ids: {
    id: string;
    describedBy: string | undefined;
    invalid: true | undefined;
  }) => ReactNode;
}

/** A field's label, hint and error around its control. */
export const Frame = ({ label, hint, error, isRequired, children }: FrameProps): ReactNode => {
  const id = useId();
  const describedBy = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  return (
    <div className={`field${error ? ' invalid' : ''}`}>
      <label htmlFor={id}>
        {label}
        {!isRequired && <span className="optional"> optional</span>}
      </label>
      {children({ id, describedBy, invalid: error ? true : undefined })}
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="error">
          <Icon name="warning" /> {error}
        </p>
      )}
    </div>
  );
};

interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly type?: 'text' | 'email' | 'password' | 'number' | 'url' | 'datetime-local';
  readonly autoComplete?: string;
  readonly placeholder?: string;
  readonly inputMode?: 'numeric' | 'text';
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly unit?: string;
  readonly list?: readonly string[];
}

export const TextField = ({
  value,
  onChange,
  type = 'text',
  autoComplete = 'off',
  unit,
  list,
  ...rest
}: TextFieldProps): ReactNode => {
  const { label, hint, error, isRequired, ...input } = rest;
  const listId = useId();
  return (
    <Frame {...{ label, hint, error, isRequired: isRequired ?? false }}>
      {({ id, describedBy, invalid }) => (
        <span className="input-row">
          <input
            {...input}
            id={id}
            type={type}
            value={value}
            autoComplete={autoComplete}
            required={isRequired}
            aria-describedby={describedBy}
            aria-invalid={invalid}
            list={list && listId}
            spellCheck={false}
            onChange={({ target }) => onChange(target.value)}
          />
          {unit && <span className="unit">{unit}</span>}
          {list && (
            <datalist id={listId}>
              {list.map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
          )}
        </span>
      )}
    </Frame>
  );
};

interface TextAreaProps extends FieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly rows?: number;
  readonly isCode?: boolean;
  readonly placeholder?: string;
}

export const TextArea = ({
  value,
  onChange,
  rows = 4,
  isCode = false,
  placeholder,
  isRequired,
  ...shared
}: TextAreaProps): ReactNode => (
  <Frame {...shared} isRequired={isRequired ?? false}>
    {({ id, describedBy, invalid }) => (
      <textarea
        id={id}
        rows={rows}
        value={value}
        placeholder={placeholder}
        required={isRequired}
        className={isCode ? 'mono' : undefined}
        aria-describedby={describedBy}
        aria-invalid={invalid}
        spellCheck={!isCode}
        onChange={({ target }) => onChange(target.value)}
      />
    )}
  </Frame>
);

interface SelectProps extends FieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

/** Native select: it works best with a finger and with a screen reader. */
export const Select = ({
  value,
  onChange,
  options,
  isRequired,
  error,
  ...shared
}: SelectProps): ReactNode => (
  <Frame
    {...shared}
    // The control plane's message about the form of an id does not help a user who only has to choose.
    error={error && isRequired && value === '' ? 'Choose one' : error}
    isRequired={isRequired ?? false}
  >
    {({ id, describedBy, invalid }) => (
      <select
        id={id}
        value={value}
        required={isRequired}
        aria-describedby={describedBy}
        aria-invalid={invalid}
        onChange={({ target }) => onChange(target.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    )}
  </Frame>
);

interface CheckboxProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly isChecked: boolean;
  readonly onChange: (isChecked: boolean) => void;
}

export const Checkbox = ({ label, hint, isChecked, onChange }: CheckboxProps): ReactNode => {
  const id = useId();
  return (
    <div className="checkbox">
      <input
        id={id}
        type="checkbox"
        checked={isChecked}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={({ target }) => onChange(target.checked)}
      />
      <div>
        <label htmlFor={id}>{label}</label>
        {hint && (
          <p id={`${id}-hint`} className="hint">
            {hint}
          </p>
        )}
      </div>
    </div>
  );
};

interface TagsProps extends FieldProps {
  readonly value: readonly string[];
  readonly onChange: (value: string[]) => void;
  /** Values that others use, as suggestions. */
  readonly known?: readonly string[];
}

/** Tags, each ended by Enter, a space or a comma. */
export const TagsField = ({ value, onChange, known = [], ...shared }: TagsProps): ReactNode => {
  const [text, setText] = useState('');
  const listId = useId();
  const add = (typed: string) => {
    const more = typed.split(/[\s,]+/).filter((one) => one !== '' && !value.includes(one));
    if (more.length > 0) onChange([...value, ...new Set(more)]);
    setText('');
  };
  return (
    <Frame {...shared}>
      {({ id, describedBy, invalid }) => (
        <div className="tags-field">
          {value.map((one) => (
            <span key={one} className="tag">
              {one}
              <IconButton
                icon="cross"
                label={`Remove tag ${one}`}
                onPress={() => onChange(value.filter((tag) => tag !== one))}
              />
            </span>
          ))}
          <input
            id={id}
            value={text}
            list={listId}
            autoComplete="off"
            spellCheck={false}
            placeholder={value.length === 0 ? 'sydney' : ''}
            aria-describedby={describedBy}
            aria-invalid={invalid}
            onChange={({ target }) =>
              /[\s,]$/.test(target.value) ? add(target.value) : setText(target.value)
            }
            onBlur={() => add(text)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && text !== '') {
                event.preventDefault();
                add(text);
              } else if (event.key === 'Backspace' && text === '' && value.length > 0) {
                onChange(value.slice(0, -1));
              }
            }}
          />
          <datalist id={listId}>
            {known
              .filter((one) => !value.includes(one))
              .map((one) => (
                <option key={one} value={one} />
              ))}
          </datalist>
        </div>
      )}
    </Frame>
  );
};
