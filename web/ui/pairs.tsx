/** Rows of names and values: variables, secrets. */
import type { ReactNode } from 'react';
import { Button, IconButton } from './button.tsx';

export interface Pair {
  /** Distinguishes the rows, as React's key. */
  readonly row: number;
  readonly name: string;
  readonly value: string;
  /** True when the value is stored and cannot be read back. It stays unless another is typed. */
  readonly isKept?: boolean;
}

const keptHint = 'Kept unless you type a new one';

export const toPairs = (all: Readonly<Record<string, string>>): Pair[] =>
  Object.entries(all).map(([name, value], row) => ({ row, name, value }));

/** Converts the rows to a record, without rows that have no name. */
export const fromPairs = (pairs: readonly Pair[]): Record<string, string> =>
  Object.fromEntries(pairs.flatMap(({ name, value }) => (name.trim() === '' ? [] : [[name.trim(), value]])));

interface PairsProps {
  readonly label: string;
  /** Name of one row, such as "variable", for the buttons. */
  readonly one: string;
  readonly hint?: ReactNode;
  readonly value: readonly Pair[];
  readonly onChange: (value: Pair[]) => void;
  readonly error?: string;
  readonly isSecret?: boolean;
  readonly isLong?: boolean;
}

export const PairsField = ({
  label,
  one,
  hint,
  value,
  onChange,
  error,
  isSecret = false,
  isLong = false,
}: PairsProps): ReactNode => {
  const change = (row: number, change: Partial<Pair>) =>
    onChange(value.map((pair) => (pair.row === row ? { ...pair, ...change } : pair)));
  const add = () =>
    onChange([...value, { row: Math.max(-1, ...value.map(({ row }) => row)) + 1, name: '', value: '' }]);
  return (
    <fieldset className={`field pairs${error ? ' invalid' : ''}`}>
      <legend className="label">{label}</legend>
      {hint && <p className="hint">{hint}</p>}
      {value.map(({ row, name, value: text, isKept = false }) => (
        <div key={row} className="pair">
          <input
            aria-label={`Name of ${one} ${row + 1}`}
            placeholder="NAME"
            className="mono"
            value={name}
            spellCheck={false}
            autoComplete="off"
            // A new name would need the value, which cannot be read back.
            readOnly={isKept}
            onChange={({ target }) => change(row, { name: target.value })}
          />
          {isLong ? (
            <textarea
              aria-label={`Value of ${name || `${one} ${row + 1}`}`}
              rows={2}
              className="mono"
              value={text}
              placeholder={isKept ? keptHint : undefined}
              spellCheck={false}
              onChange={({ target }) => change(row, { value: target.value })}
            />
          ) : (
            <input
              aria-label={`Value of ${name || `${one} ${row + 1}`}`}
              type={isSecret ? 'password' : 'text'}
              autoComplete={isSecret ? 'new-password' : 'off'}
              value={text}
              placeholder={isKept ? keptHint : undefined}
              spellCheck={false}
              onChange={({ target }) => change(row, { value: target.value })}
            />
          )}
          <IconButton
            icon="cross"
            label={`Remove ${name || `${one} ${row + 1}`}`}
            onPress={() => onChange(value.filter((pair) => pair.row !== row))}
          />
        </div>
      ))}
      {error && <p className="error">{error}</p>}
      <div>
        <Button small icon="plus" onPress={add}>
          Add {one}
        </Button>
      </div>
    </fieldset>
  );
};
