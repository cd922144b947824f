/**
 * Conditions of policy statements, with the operators that the synthesized templates use.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
import { type Matches, matchesArn } from './patterns.ts';

/** Condition keys of a request and their values; an array is the value of a multivalued key. */
export type Context = Readonly<Record<string, string | readonly string[]>>;

type Value = Context[string] | undefined;

/** Returns whether a condition holds for the value of its key, which is undefined if the request lacks it. */
type Holds = (value: Value) => boolean;

/** Condition block of a statement: operator, key, values. */
export type ConditionBlock = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Compares a value of the request with a value of the policy. */
const comparisons: ReadonlyMap<string, (wanted: string) => Matches> = new Map([
  [
    'StringEquals',
    (wanted: string): Matches =>
      (value) =>
        value === wanted,
  ],
  ['ArnLike', matchesArn],
]);

const listOf = (value: Value): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

const isNull = (wanted: readonly string[]): Holds => {
  const [expected] = wanted;
  if (wanted.length !== 1 || (expected !== 'true' && expected !== 'false')) {
    throw new Error(`The condition operator Null takes "true" or "false", not ${JSON.stringify(wanted)}.`);
  }
  return (value) => (listOf(value).length === 0) === (expected === 'true');
};

/** Compiles one condition; of several values in the policy, one must match. */
const compile = (operator: string, key: string, wanted: readonly string[]): Holds => {
  if (operator === 'Null') return isNull(wanted);
  const [, set, name = ''] = /^(?:(ForAllValues|ForAnyValue):)?(.*)$/.exec(operator) ?? [];
  const compare = comparisons.get(name);
  if (!compare) throw new Error(`The stack on one machine does not know the condition operator ${operator}.`);
  const matchers = wanted.map(compare);
  const matches: Matches = (value) => matchers.some((matcher) => matcher(value));
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
  if (set === 'ForAllValues') return (value) => listOf(value).every(matches);
  if (set === 'ForAnyValue') return (value) => listOf(value).some(matches);
  return (value) => {
    if (value === undefined || typeof value === 'string') return value !== undefined && matches(value);
    throw new Error(`${operator} on ${key}, which has several values, needs ForAllValues or ForAnyValue.`);
  };
};

/** A request's context by lower-cased keys: the names of condition keys are case-insensitive. */
export type ContextByKey = ReadonlyMap<string, Context[string]>;

export const byKey = (context: Context): ContextByKey =>
  new Map(Object.entries(context).map(([key, value]) => [key.toLowerCase(), value]));

/** Compiles a condition block, all of which must hold. Throws for an operator that it does not know. */
export const compileConditions = (block: ConditionBlock): ((context: ContextByKey) => boolean) => {
  const all = Object.entries(block).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, wanted]) => ({
      key: key.toLowerCase(),
      holds: compile(operator, key, wanted),
    })),
  );
  return (context) => all.every(({ key, holds }) => holds(context.get(key)));
};
