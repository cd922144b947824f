/** Rows of fields that can be added and removed: matchers, variables. */
import type { ReactNode } from 'react';
import { Button, IconButton } from '../../ui/button.tsx';

export interface Row {
  /** Distinguishes the rows, as React's key. */
  readonly row: number;
}

/** Numbers the stored rows. */
export const asRows = <T extends object>(all: readonly T[]): (T & Row)[] =>
  all.map((one, row) => ({ ...one, row }));

interface RowEditorProps<T extends Row> {
  readonly legend: string;
  readonly hint: string;
  /** Name of one row, such as "matcher", for the buttons. */
  readonly one: string;
  readonly value: readonly T[];
  readonly onChange: (value: T[]) => void;
  /** Values of a new row. */
  readonly empty: Omit<T, 'row'>;
  readonly children: (item: T, index: number, change: (change: Partial<T>) => void) => ReactNode;
}

export const RowEditor = <T extends Row>({
  legend,
  hint,
  one,
  value,
  onChange,
  empty,
  children,
}: RowEditorProps<T>): ReactNode => {
  const change = (row: number) => (change: Partial<T>) =>
    onChange(value.map((item) => (item.row === row ? { ...item, ...change } : item)));
  const add = () => {
    const row = Math.max(-1, ...value.map((item) => item.row)) + 1;
    onChange([...value, { ...empty, row } as T]);
  };
  return (
    <fieldset className="field">
      <legend className="label">{legend}</legend>
      <p className="hint">{hint}</p>
      {value.map((item, index) => (
        <section key={item.row} className="question" aria-label={`${legend} ${index + 1}`}>
          <div className="two">{children(item, index, change(item.row))}</div>
          <div className="row spread">
            <span />
            <IconButton
              icon="cross"
              label={`Remove ${one} ${index + 1}`}
              onPress={() => onChange(value.filter(({ row }) => row !== item.row))}
            />
          </div>
        </section>
      ))}
      <div>
        <Button small icon="plus" onPress={add}>
          Add {one}
        </Button>
      </div>
    </fieldset>
  );
};
