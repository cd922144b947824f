/** A form: what is typed, what the control plane says of it, and the button that sends it. */
import { type FormEvent, type ReactNode, useState } from 'react';
import { messageOf } from '../client/problem-text.ts';
import { ApiProblem } from '../client/request.ts';
import { Button } from './button.tsx';
import { Notice } from './notice.tsx';

/** A field's part in a form. */
export interface Bound<V> {
  readonly value: V;
  readonly onChange: (value: V) => void;
  readonly error: string | undefined;
}

export interface Form<T> {
  readonly value: T;
  readonly set: (change: Partial<T>) => void;
  /** What a field of the form takes. `path`: where the control plane finds fault with it, if it is called otherwise there. */
  readonly field: <K extends keyof T & string>(name: K, path?: string) => Bound<T[K]>;
  /** What is wrong with the field at that path. */
  readonly errorAt: (path: string) => string | undefined;
  /** What is wrong with all of it. */
  readonly error: string | undefined;
  readonly isBusy: boolean;
  readonly submit: (event?: FormEvent) => void;
}

const isAt = (path: string, wanted: string): boolean => path === wanted || path.startsWith(`${wanted}.`);

/** What is wrong with a field stands there, so that this only says where to look. */
const describeRefusal = (problem: unknown, fields: readonly string[]): string =>
  problem instanceof ApiProblem &&
  problem.code === 'invalid_request' &&
  fields.length > 0 &&
  !fields.includes('')
    ? `This is not right yet. Look again at: ${fields.join(', ')}.`
    : messageOf(problem);

/** What was typed as one of several, such as a tag: better to read than its place among them. */
const textAt = (value: object, name: string, index: string): string | undefined => {
  const all: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
  const one: unknown = Array.isArray(all) ? all[Number(index)] : undefined;
  return typeof one === 'string' ? one : undefined;
};

/** From a field for numbers. An empty one is no number, and must not count as 0, which often means "no limit". */
export const numberOf = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

/** `onSubmit` sends it, and throws what the control plane says against it. */
export const useForm = <T extends object>(initial: T, onSubmit: (value: T) => Promise<unknown>): Form<T> => {
  const [value, setValue] = useState(initial);
  const [problem, setProblem] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const fieldErrors = problem instanceof ApiProblem ? problem.fieldErrors : {};
  const submit = async () => {
    if (isBusy) return;
    setBusy(true);
    setProblem(undefined);
    try {
      await onSubmit(value);
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  const set = (change: Partial<T>) => setValue((before) => ({ ...before, ...change }));
  const errorAt = (wanted: string) => {
    const found = Object.entries(fieldErrors).find(([path]) => isAt(path, wanted));
    if (!found || found[0] === wanted) return found?.[1];
    const part = found[0].slice(wanted.length + 1);
    return `${textAt(value, wanted, part) ?? part}: ${found[1]}`;
  };
  return {
    value,
    set,
    field: (name, path = name) => ({
      value: value[name],
      onChange: (next) => setValue((before) => ({ ...before, [name]: next })),
      error: errorAt(path),
    }),
    errorAt,
    error: problem === undefined ? undefined : describeRefusal(problem, Object.keys(fieldErrors)),
    isBusy,
    submit: (event) => {
      event?.preventDefault();
      // The dialog of a form may sit inside another form's tree.
      event?.stopPropagation();
      void submit();
    },
  };
};

interface FormFrameProps {
  readonly form: Pick<Form<object>, 'submit' | 'error' | 'isBusy'>;
  /** What the button says. */
  readonly action: string;
  readonly onCancel?: (() => void) | undefined;
  readonly children: ReactNode;
}

/** The body and the foot of a dialog with a form in it. */
export const FormFrame = ({ form, action, onCancel, children }: FormFrameProps): ReactNode => (
  <form className="form" onSubmit={form.submit} noValidate>
    <div className="dialog-body">
      {children}
      {form.error && <Notice kind="bad">{form.error}</Notice>}
    </div>
    <footer className="dialog-foot">
      {onCancel && <Button onPress={onCancel}>Cancel</Button>}
      <Button look="primary" type="submit" isPending={form.isBusy}>
        {action}
      </Button>
    </footer>
  </form>
);
