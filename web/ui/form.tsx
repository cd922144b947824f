/** A form: what is typed, what the control plane says of it, and the button that sends it. */
import { type FormEvent, type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';
import { messageOf } from '../data/problem-text.ts';
import { ApiProblem } from '../data/request.ts';
import { Button } from './button.tsx';
import { useDialogAround } from './in-dialog.ts';
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
  /** What the last attempt to send it came to; `undefined`: nothing against it yet. */
  readonly problem: unknown;
  /** What is wrong with something that no field on the screen stands for, a sentence each. Known once all fields are drawn. */
  readonly faultsElsewhere: () => readonly string[];
  /** Whether something else stands in it than at first. */
  readonly isChanged: boolean;
  readonly isBusy: boolean;
  readonly submit: (event?: FormEvent) => void;
}

const isAt = (path: string, wanted: string): boolean => path === wanted || path.startsWith(`${wanted}.`);

/** By fields, whose names in the API nobody knows who fills in a form. */
const isByField = (problem: unknown): problem is ApiProblem =>
  problem instanceof ApiProblem &&
  ['invalid_request', 'invalid_reference', 'name_taken'].includes(problem.code) &&
  Object.keys(problem.fieldErrors).length > 0;

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
  const [first] = useState(() => JSON.stringify(initial));
  /** The paths that the fields of this drawing stand for. */
  const shownPaths = new Set<string>();
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
    isBusy,
    submit: (event) => {
      event?.preventDefault();
      // The dialog of a form may sit inside another form's tree.
      event?.stopPropagation();
      void submit();
    },
  };
};

type Sent = Pick<Form<object>, 'problem' | 'faultsElsewhere'>;

/** What is wrong with a form as a sentence, and the form's element: the first field that is not right gets the focus. */
export const useFault = (form: Sent): { element: RefObject<HTMLFormElement | null>; fault?: string } => {
  const element = useRef<HTMLFormElement>(null);
  const [fault, setFault] = useState<string>();
  const { problem } = form;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each refusal, when its fields are drawn
  useEffect(() => {
    if (problem === undefined) return setFault(undefined);
    const wrong = element.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    wrong?.focus({ preventScroll: true });
    wrong?.scrollIntoView({ block: 'center' });
    const sentences = isByField(problem)
      ? [wrong && 'Some fields are not right yet.', ...form.faultsElsewhere()]
      : [messageOf(problem)];
    setFault(sentences.filter(Boolean).join(' '));
  }, [problem]);
  return { element, ...(fault && { fault }) };
};

interface FormFrameProps {
  readonly form: Pick<Form<object>, 'submit' | 'isBusy' | 'isChanged'> & Sent;
  /** What the button says. */
  readonly action: string;
  readonly children: ReactNode;
}

/** The body and the foot of a dialog with a form in it, or of a card. */
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
