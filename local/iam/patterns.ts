/** Patterns of IAM policies: `*` stands for any characters, `?` for one. */

export type Matches = (value: string) => boolean;

/** Escapes the text for a regular expression, with these expressions for its wildcards. */
const expressionOf = (text: string, any: string, one: string): string =>
  text.replaceAll(/[\\^$.*+?()[\]{}|]/g, (letter) => {
    if (letter === '*') return any;
    return letter === '?' ? one : `\\${letter}`;
  });

const matching = (expression: string, flags = ''): Matches => {
  const whole = new RegExp(`^${expression}$`, `s${flags}`);
  return (value) => whole.test(value);
};

/**
 * Matches an action, whatever its case.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
 */
export const matchesAction = (pattern: string): Matches => matching(expressionOf(pattern, '.*', '.'), 'i');

/**
 * Matches a resource. A wildcard stays within its segment of the ARN, but `*` at the end of a segment also
 * stands for segments after it.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export const matchesResource = (pattern: string): Matches =>
  matching(
    pattern
      .split(':')
      .map((segment) => {
        const start = segment.endsWith('*') ? segment.slice(0, -1) : segment;
        return expressionOf(start, '[^:]*', '[^:]') + (start === segment ? '' : '.*');
      })
      .join(':'),
  );

/**
 * Matches an ARN as `ArnLike` does: each of its six components on its own.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export const matchesArn = (pattern: string): Matches => {
  const components = pattern.split(':');
  const beforeResource = components.slice(0, 5).map((one) => expressionOf(one, '[^:]*', '[^:]'));
  return matching([...beforeResource, expressionOf(components.slice(5).join(':'), '.*', '.')].join(':'));
};
