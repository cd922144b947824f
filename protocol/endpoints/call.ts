/** Calls of endpoints: their paths, and the types of what they take and answer. */
import type * as z from 'zod';
import type { Endpoint } from './endpoint.ts';

/** Values of a query; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

type ParamsOf<E> = E extends { readonly request: { readonly params: z.ZodObject<infer Shape> } }
  ? { readonly params: { readonly [Name in keyof Shape]: string } }
  : { readonly params?: undefined };
type BodyOf<E> = E extends {
  readonly request: { readonly body: { readonly content: { 'application/json': { schema: infer Body } } } };
}
  ? { readonly body: z.input<Body> }
  : { readonly body?: undefined };

/** Parameters, query and body of a call of the endpoint. */
export type CallOf<E extends Endpoint> = ParamsOf<E> & BodyOf<E> & { readonly query?: Query };

type JsonOf<R> = R extends { readonly content: { 'application/json': { schema: infer Answer } } }
  ? z.output<Answer>
  : undefined;

/** Answer of the endpoint: parsed JSON, or undefined for an answer without content. */
export type AnswerOf<E extends Endpoint> = JsonOf<E['responses'][keyof E['responses']]>;

/** Fills the parameters into the endpoint's path. Throws when one is missing. */
export const pathOf = (
  { path }: Pick<Endpoint, 'path'>,
  params: Readonly<Record<string, string>> = {},
): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name];
    if (value === undefined) throw new Error(`${path} needs ${name}.`);
    return encodeURIComponent(value);
  });

/** Reads the parameters of the endpoint from a path; they stay encoded. */
export const paramsIn = (
  endpoint: Pick<Endpoint, 'path'>,
  path: string,
): Readonly<Record<string, string>> => {
  const given = path.split('/');
  return Object.fromEntries(
    endpoint.path.split('/').flatMap((part, index) => {
      const [, name] = /^\{(\w+)\}$/.exec(part) ?? [];
      return name === undefined ? [] : [[name, given[index] ?? '']];
    }),
  );
};

/** Returns the path of a call with its query. */
export const targetOf = (
  endpoint: Pick<Endpoint, 'path'>,
  { params, query = {} }: { readonly params?: Readonly<Record<string, string>>; readonly query?: Query },
): string => {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') given.set(name, String(value));
  }
  const path = pathOf(endpoint, params);
  return given.size === 0 ? path : `${path}?${given}`;
};

/** Returns the schema of the endpoint's JSON answer; undefined when it answers none. */
export const answerSchema = ({ responses }: Pick<Endpoint, 'responses'>): z.ZodType | undefined =>
  Object.values(responses).find(({ content }) => content?.['application/json'])?.content?.['application/json']
    ?.schema;

/** Parses a JSON answer of the endpoint. Throws a `ZodError` when the answer does not fit. */
export const parseAnswer = <E extends Endpoint>(endpoint: E, json: unknown): AnswerOf<E> =>
  // The schema is the one that the type reads: TypeScript cannot follow it through `Object.values`.
  answerSchema(endpoint)?.parse(json) as AnswerOf<E>;
