/** Form: the typed values, the control plane's errors, and the submit button. */
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';
import { ApiProblem, messageOf } from '../data/request.ts';
import { Button } from './button.tsx';
import { useDialogAround } from './in-dialog.ts';
import { Notice } from './notice.tsx';

/** Props that bind a field to a form. */
export interface Bound<V> {
  readonly value: V;
  readonly onChange: (value: V) => void;
  readonly error: string | undefined;
}

export interface Form<T> {
  readonly value: T;
  readonly set: (change: Partial<T>) => void;
  /**
   * Returns the props of a field. `path` is its path in the control plane's errors, if that differs from its
   * name.
   */
  readonly field: <K extends keyof T & string>(name: K, path?: string) => Bound<T[K]>;
  /** Error of the field at that path. */
  readonly errorAt: (path: string) => string | undefined;
  /** Error of the last attempt to send; null while there is none. */
  readonly problem: Error | null;
  /** Errors of paths that have no field on the screen, one sentence each. Known once all fields are drawn. */
  readonly faultsElsewhere: () => readonly string[];
  /** True when the values differ from the initial ones. */
  readonly isChanged: boolean;
  readonly isBusy: boolean;
  readonly submit: (event?: FormEvent) => void;
}

const isAt = (path: string, wanted: string): boolean => path === wanted || path.startsWith(`${wanted}.`);

/** Returns true for errors by field. Users do not know the API's field names. */
const isByField = (problem: unknown): problem is ApiProblem =>
  problem instanceof ApiProblem &&
  ['invalid_request', 'invalid_reference', 'name_taken'].includes(problem.code) &&
  Object.keys(problem.fieldErrors).length > 0;

/** Typed text of one of several values, such as a tag: clearer in a message than its index. */
const textAt = (value: object, name: string, index: string): string | undefined => {
  const all: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
  const one: unknown = Array.isArray(all) ? all[Number(index)] : undefined;
  return typeof one === 'string' ? one : undefined;
};

/** Number in a field. An empty one is NaN and not 0, which often means "no limit". */
export const numberOf = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

/** State of a form. `onSubmit` sends the values and throws the control plane's error. */
export const useForm = <T extends object>(initial: T, onSubmit: (value: T) => Promise<unknown>): Form<T> => {
  const [value, setValue] = useState(initial);
  const { mutate, error: problem, isPending } = useMutation({ mutationFn: onSubmit });
  const fieldErrors = problem instanceof ApiProblem ? problem.fieldErrors : {};
  const [first] = useState(() => JSON.stringify(initial));
  /** Paths of the fields that this render draws. */
  const shownPaths = new Set<string>();
  const set = (change: Partial<T>) => setValue((before) => ({ ...before, ...change }));
  const errorAt = (wanted: string) => {
    shownPaths.add(wanted);
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
    problem,
    faultsElsewhere: () =>
      Object.entries(fieldErrors)
        .filter(([path]) => ![...shownPaths].some((shown) => isAt(path, shown)))
        .map(([path, message]) => `${path || 'It'} ${message}.`),
    isChanged: JSON.stringify(value) !== first,
    isBusy: isPending,
    submit: (event) => {
      event?.preventDefault();
      // The dialog of a form may be inside another form's tree.
      event?.stopPropagation();
      if (!isPending) mutate(value);
    },
  };
};

type Sent = Pick<Form<object>, 'problem' | 'faultsElsewhere'>;

/** Error of a form as a sentence, and a ref to its element. The first field with an error gets the focus. */
export const useFault = (form: Sent): { element: RefObject<HTMLFormElement | null>; fault?: string } => {
  const element = useRef<HTMLFormElement>(null);
  const [fault, setFault] = useState<string>();
  const { problem } = form;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each refusal, when its fields are drawn
  useEffect(() => {
    if (problem === null) return setFault(undefined);
    const wrong = element.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    wrong?.focus({ preventScroll: true });
    wrong?.scrollIntoView({ block: 'center' });
    const sentences = isByField(problem)
      ? [wrong && 'Some fields have errors.', ...form.faultsElsewhere()]
      : [messageOf(problem)];
    setFault(sentences.filter(Boolean).join(' '));
  }, [problem]);
  return { element, fault };
};

interface FormFrameProps {
  readonly form: Pick<Form<object>, 'submit' | 'isBusy' | 'isChanged'> & Sent;
  /** Label of the button. */
  readonly action: string;
  readonly children: ReactNode;
}

/** Body and foot of a dialog or card with a form. */
export const FormFrame = ({ form, action, children }: FormFrameProps): ReactNode => {
  const cancel = useDialogAround(form.isChanged);
  const { element, fault } = useFault(form);
  return (
    <form ref={element} className="form" onSubmit={form.submit} noValidate>
      <div className="dialog-body">{children}</div>
      {fault && <Notice kind="bad">{fault}</Notice>}
      <footer className="dialog-foot">
        {cancel && <Button onPress={cancel}>Cancel</Button>}
        <Button look="primary" type="submit" isPending={form.isBusy}>
          {action}
        </Button>
      </footer>
    </form>
  );
};
