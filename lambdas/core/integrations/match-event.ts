/** Matching of an incoming request with an integration: the mismatch, if any, and the survey answers. */
import type { IntegrationInput, IntegrationMatcher, IntegrationSource } from '../../../protocol/index.ts';
import type { ExactJson } from './exact-json.ts';

export interface Incoming {
  /** Headers by lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: ExactJson;
}

/** Returns the value at a JSON pointer (RFC 6901); undefined when there is none. */
export const valueAt = (document: unknown, pointer: string): unknown => {
  const steps = pointer.split('/').slice(1);
  return steps.reduce<unknown>((value, step) => {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    return Object.entries(value).find(([name]) => name === key)?.[1];
  }, document);
};

const describeSource = (source: IntegrationSource): string =>
  source.from === 'header' ? `the header ${source.header}` : `${source.pointer || 'the body'}`;

/** Converts to text for matchers; JSON for an object or a list. */
const textOf = (source: IntegrationSource, { headers, body }: Incoming): string | undefined => {
  if (source.from === 'header') return headers[source.header];
  const value = valueAt(body.value, source.pointer);
  return value === undefined || value === null ? undefined : body.textOf(value);
};

const shownAtMost = 100;
const shown = (text: string | undefined): string =>
  text === undefined
    ? 'missing'
    : JSON.stringify(text.length > shownAtMost ? `${text.slice(0, shownAtMost)}…` : text);

const holds = ({ operator, value }: IntegrationMatcher, text: string | undefined): boolean => {
  switch (operator) {
    case 'exists':
      return text !== undefined;
    case 'equals':
      return text === value;
    case 'not_equals':
      return text !== value;
    case 'contains':
      return text?.includes(value) === true;
    case 'starts_with':
      return text?.startsWith(value) === true;
    case 'ends_with':
      return text?.endsWith(value) === true;
  }
};

const verbs: Readonly<Record<IntegrationMatcher['operator'], string>> = {
  exists: 'exist',
  equals: 'equal',
  not_equals: 'not equal',
  contains: 'contain',
  starts_with: 'start with',
  ends_with: 'end with',
};

/** Explains the first matcher that fails; undefined when the request matches. */
export const whyNotMatched = (
  { matchers }: Pick<IntegrationInput, 'matchers'>,
  incoming: Incoming,
): string | undefined => {
  const failed = matchers.find((matcher) => !holds(matcher, textOf(matcher.source, incoming)));
  if (!failed) return undefined;
  const wanted = failed.operator === 'exists' ? 'exist' : `${verbs[failed.operator]} ${shown(failed.value)}`;
  return `${describeSource(failed.source)} should ${wanted}, and is ${shown(textOf(failed.source, incoming))}.`;
};

/**
 * Extracts survey answers from the request. A missing value is left out, so that the survey's default
 * applies.
 */
export const answersIn = (
  { variables }: Pick<IntegrationInput, 'variables'>,
  incoming: Incoming,
): Record<string, string> =>
  Object.fromEntries(
    variables.flatMap(({ variable, source }) => {
      const text = textOf(source, incoming);
      return text === undefined ? [] : [[variable, text]];
    }),
  );

/** Returns the headers that decide what an event is and does, in a fixed order. */
export const headersRead = (
  { matchers, variables }: Pick<IntegrationInput, 'matchers' | 'variables'>,
  headers: Incoming['headers'],
): readonly (readonly [name: string, value: string | null])[] => {
  const sources = [...matchers, ...variables].map(({ source }) => source);
  const names = sources.flatMap((source) => (source.from === 'header' ? source.header : []));
  return [...new Set(names)].sort().map((name) => [name, headers[name] ?? null]);
};
