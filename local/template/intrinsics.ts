/** CloudFormation's intrinsic functions, resolved in a scope of the stack's resources. */

export interface Scope {
  /** Returns the value of `Ref`: a resource's physical id, or a pseudo parameter. */
  ref(name: string): unknown;
  attribute(logicalId: string, name: string): unknown;
  condition(name: string): boolean;
}

/** Value of `Ref: AWS::NoValue`; a property with it is omitted. */
export const noValue = Symbol('AWS::NoValue');

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Intrinsic = (argument: unknown, scope: Scope) => unknown;

const list = (value: unknown, of: string): unknown[] => {
  if (!Array.isArray(value)) throw new Error(`${of} takes a list, not ${JSON.stringify(value)}.`);
  return value;
};

const text = (value: unknown, of: string): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`${of} takes text, not ${JSON.stringify(value)}.`);
};

const attributeOf = (path: readonly string[], scope: Scope): unknown => {
  const [logicalId = '', ...name] = path;
  return scope.attribute(logicalId, name.join('.'));
};

const substitute: Intrinsic = (argument, scope) => {
  const [template, given] = Array.isArray(argument) ? argument : [argument, {}];
  const variables = isRecord(given) ? given : {};
  return text(template, 'Fn::Sub').replaceAll(
    /\$\{(!?)([^}]+)\}/g,
    (whole, literal: string, name: string) => {
      if (literal) return whole.replace('!', '');
      if (name in variables) return text(resolve(variables[name], scope), 'Fn::Sub');
      const value = name.includes('.') ? attributeOf(name.split('.'), scope) : scope.ref(name);
      return text(value, 'Fn::Sub');
    },
  );
};

const intrinsics: Readonly<Record<string, Intrinsic>> = {
  Ref: (name, scope) => scope.ref(text(name, 'Ref')),
  Condition: (name, scope) => scope.condition(text(name, 'Condition')),
  'Fn::GetAtt': (argument, scope) => {
    const path = typeof argument === 'string' ? argument.split('.') : list(argument, 'Fn::GetAtt');
    return attributeOf(
      path.map((part) => text(resolve(part, scope), 'Fn::GetAtt')),
      scope,
    );
  },
  'Fn::Sub': substitute,
  'Fn::Join': (argument, scope) => {
    const [separator, parts] = list(argument, 'Fn::Join');
    return list(resolve(parts, scope), 'Fn::Join')
      .map((part) => text(part, 'Fn::Join'))
      .join(text(separator, 'Fn::Join'));
  },
  'Fn::Select': (argument, scope) => {
    const [index, from] = list(resolve(argument, scope), 'Fn::Select');
    const chosen = list(from, 'Fn::Select')[Number(index)];
    if (chosen === undefined) throw new Error(`Fn::Select finds nothing at ${String(index)}.`);
    return chosen;
  },
  'Fn::GetAZs': (argument, scope) => {
    const region =
      text(resolve(argument, scope), 'Fn::GetAZs') || text(scope.ref('AWS::Region'), 'Fn::GetAZs');
    return ['a', 'b', 'c'].map((zone) => `${region}${zone}`);
  },
  'Fn::Split': (argument, scope) => {
    const [separator, whole] = list(resolve(argument, scope), 'Fn::Split');
    return text(whole, 'Fn::Split').split(text(separator, 'Fn::Split'));
  },
  'Fn::If': (argument, scope) => {
    const [condition, then, otherwise] = list(argument, 'Fn::If');
    return resolve(scope.condition(text(condition, 'Fn::If')) ? then : otherwise, scope);
  },
  'Fn::Equals': (argument, scope) => {
    const [one, other] = list(resolve(argument, scope), 'Fn::Equals');
    return one === other;
  },
  'Fn::Not': (argument, scope) => list(resolve(argument, scope), 'Fn::Not')[0] !== true,
  'Fn::And': (argument, scope) => list(resolve(argument, scope), 'Fn::And').every((one) => one === true),
  'Fn::Or': (argument, scope) => list(resolve(argument, scope), 'Fn::Or').some((one) => one === true),
  'Fn::Base64': (argument, scope) =>
    Buffer.from(text(resolve(argument, scope), 'Fn::Base64')).toString('base64'),
};

/** Returns the value without intrinsic functions; throws an error that names an unknown one. */
export const resolve = (value: unknown, scope: Scope): unknown => {
  if (Array.isArray(value)) {
    return value.map((item) => resolve(item, scope)).filter((item) => item !== noValue);
  }
  if (!isRecord(value)) return value;
  const [name, ...more] = Object.keys(value);
  if (name !== undefined && more.length === 0) {
    const intrinsic =
      name === 'Condition' && typeof value.Condition !== 'string' ? undefined : intrinsics[name];
    if (intrinsic) return intrinsic(value[name], scope);
    if (name.startsWith('Fn::')) throw new Error(`The stack on one machine does not know ${name}.`);
  }
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, resolve(item, scope)] as const)
      .filter(([, item]) => item !== noValue),
  );
};
