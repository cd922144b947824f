/** Parameters of EC2's Query protocol, such as `Filter.1.Value.2=running`, as nested lists and records. */
import { AwsError } from '../call.ts';

export type FormNode = Map<string, FormNode | string>;

/** Parses the form into a tree of its dotted names, without `Action` and `Version`. */
export const parseForm = (body: string): FormNode => {
  const root: FormNode = new Map();
  for (const [path, value] of new URLSearchParams(body)) {
    if (path === 'Action' || path === 'Version') continue;
    const names = path.split('.');
    const last = names.pop() ?? path;
    let node = root;
    for (const name of names) {
      const next = node.get(name);
      if (next instanceof Map) node = next;
      else {
        const made: FormNode = new Map();
        node.set(name, made);
        node = made;
      }
    }
    node.set(last, value);
  }
  return root;
};

/** Rejects parameters that the stand-in would otherwise ignore. */
export const onlyParameters = (form: FormNode, known: readonly string[]): void => {
  for (const name of form.keys()) {
    if (!known.includes(name)) {
      throw new AwsError('UnknownParameter', `The stack on one machine does not know the parameter ${name}.`);
    }
  }
};

/** Items of a list such as `InstanceId.1`, `InstanceId.2`, in numeric order. */
export const itemsOf = (form: FormNode, name: string): (FormNode | string)[] => {
  const list = form.get(name);
  if (!(list instanceof Map)) return [];
  return [...list].sort(([a], [b]) => Number(a) - Number(b)).map(([, item]) => item);
};

export const textsOf = (form: FormNode, name: string): string[] =>
  itemsOf(form, name).filter((item) => typeof item === 'string');

export const recordsOf = (form: FormNode, name: string): FormNode[] =>
  itemsOf(form, name).filter((item) => item instanceof Map);

export const textOf = (form: FormNode, name: string): string | undefined => {
  const value = form.get(name);
  return typeof value === 'string' ? value : undefined;
};

export const requiredText = (form: FormNode, name: string): string => {
  const value = textOf(form, name);
  if (value === undefined) {
    throw new AwsError('MissingParameter', `The request must contain the parameter ${name}`);
  }
  return value;
};
