/** Conditions and updates as data, and their translation to DynamoDB's expressions. */

/**
 * All conditions of a list must hold. `lessThanSize`… compare stored values, so they hold at the moment of
 * the write.
 */
export type Condition =
  | readonly ['exists' | 'missing', attribute: string]
  | readonly ['=' | '<>' | '<' | '<=' | '>' | '>=', attribute: string, value: unknown]
  | readonly ['in', attribute: string, values: readonly unknown[]]
  | readonly ['contains' | 'lacks', attribute: string, value: string]
  /** The set has fewer members than the number in the other attribute. */
  | readonly ['sizeBelow' | 'sizeAtLeast', setAttribute: string, numberAttribute: string]
  | readonly ['sizeAtMost', setAttribute: string, most: number]
  /** The map in the attribute has this value under the key. dynalite cannot compare whole maps. */
  | readonly ['partIs', mapAttribute: string, key: string, value: unknown]
  | readonly ['any', ...Condition[]]
  | readonly ['all', ...Condition[]];

export interface Update {
  readonly set?: Readonly<Record<string, unknown>>;
  readonly setIfMissing?: Readonly<Record<string, unknown>>;
  /** Removes the attribute; undefined values of `set` do the same. */
  readonly unset?: readonly string[];
  /** Adds to a number (0 when missing), or members to a set. */
  readonly add?: Readonly<Record<string, number | ReadonlySet<string>>>;
  /** Removes members from a set; DynamoDB has no empty sets. */
  readonly take?: Readonly<Record<string, ReadonlySet<string>>>;
}

const expressionParts = () => {
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const nameKeys = new Map<string, string>();
  return {
    names,
    values,
    name: (attribute: string): string => {
      const known = nameKeys.get(attribute);
      if (known) return known;
      const key = `#n${nameKeys.size}`;
      nameKeys.set(attribute, key);
      names[key] = attribute;
      return key;
    },
    value: (value: unknown): string => {
      const key = `:v${Object.keys(values).length}`;
      values[key] = value;
      return key;
    },
  };
};
type Parts = ReturnType<typeof expressionParts>;

/** `inAny`: inside an OR, where AND binds tighter and a further OR is the same one: none needs brackets. */
const conditionText = (condition: Condition, parts: Parts, inAny = false): string => {
  switch (condition[0]) {
    case 'exists':
      return `attribute_exists(${parts.name(condition[1])})`;
    case 'missing':
      return `attribute_not_exists(${parts.name(condition[1])})`;
    case 'in':
      return condition[2].length === 0
        ? `attribute_type(${parts.name(condition[1])}, ${parts.value('NULL')})`
        : `${parts.name(condition[1])} IN (${condition[2].map((value) => parts.value(value)).join(', ')})`;
    case 'contains':
      return `contains(${parts.name(condition[1])}, ${parts.value(condition[2])})`;
    case 'lacks':
      return `NOT contains(${parts.name(condition[1])}, ${parts.value(condition[2])})`;
    case 'sizeBelow':
      return `size(${parts.name(condition[1])}) < ${parts.name(condition[2])}`;
    case 'sizeAtMost':
      return `size(${parts.name(condition[1])}) <= ${parts.value(condition[2])}`;
    case 'partIs':
      return `${parts.name(condition[1])}.${parts.name(condition[2])} = ${parts.value(condition[3])}`;
    case 'sizeAtLeast':
      return `size(${parts.name(condition[1])}) >= ${parts.name(condition[2])}`;
    case 'any':
    case 'all': {
      const [kind, ...some] = condition;
      const isAny = kind === 'any';
      const text = some.map((one) => conditionText(one, parts, isAny)).join(isAny ? ' OR ' : ' AND ');
      // dynalite takes twenty milliseconds to read three brackets within each other.
      return inAny ? text : `(${text})`;
    }
    default:
      return `${parts.name(condition[1])} ${condition[0]} ${parts.value(condition[2])}`;
  }
};

const allOf = (conditions: readonly Condition[], parts: Parts): string =>
  conditions.map((condition) => conditionText(condition, parts)).join(' AND ');

const attributes = (parts: Parts) => ({
  ...(Object.keys(parts.names).length > 0 && { ExpressionAttributeNames: parts.names }),
  ...(Object.keys(parts.values).length > 0 && { ExpressionAttributeValues: parts.values }),
});

export const compileCondition = (
  conditions: readonly Condition[],
): {
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
} => {
  if (conditions.length === 0) return {};
  const parts = expressionParts();
  return { ConditionExpression: allOf(conditions, parts), ...attributes(parts) };
};

export const compileUpdate = (update: Update, conditions: readonly Condition[]) => {
  const parts = expressionParts();
  const entries = Object.entries(update.set ?? {});
  const sets = [
    ...entries
      .filter(([, value]) => value !== undefined)
      .map(([attribute, value]) => `${parts.name(attribute)} = ${parts.value(value)}`),
    ...Object.entries(update.setIfMissing ?? {}).map(
      ([attribute, value]) =>
        `${parts.name(attribute)} = if_not_exists(${parts.name(attribute)}, ${parts.value(value)})`,
    ),
  ];
  const unsets = [
    ...(update.unset ?? []),
    ...entries.filter(([, value]) => value === undefined).map(([attribute]) => attribute),
  ].map((attribute) => parts.name(attribute));
  const pairs = (of: Readonly<Record<string, unknown>> = {}) =>
    Object.entries(of).map(([attribute, value]) => `${parts.name(attribute)} ${parts.value(value)}`);
  const clauses = [
    ['SET', sets],
    ['REMOVE', unsets],
    ['ADD', pairs(update.add)],
    ['DELETE', pairs(update.take)],
  ] as const;
  return {
    UpdateExpression: clauses
      .filter(([, list]) => list.length > 0)
      .map(([verb, list]) => `${verb} ${list.join(', ')}`)
      .join(' '),
    ConditionExpression: conditions.length > 0 ? allOf(conditions, parts) : undefined,
    ...attributes(parts),
  };
};
