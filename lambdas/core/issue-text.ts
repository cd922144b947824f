/**
 * Messages for invalid input, in the style of the schemas' own ones ("must …" or "is …"), for the person who
 * typed it.
 */
import type * as z from 'zod';

type Issue = z.core.$ZodRawIssue;

const kinds: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const units: Readonly<Record<string, string>> = { string: 'characters', array: 'entries', set: 'entries' };

const bound = (issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string => {
  const unit = units[issue.origin];
  if (issue.code === 'too_big') {
    const most = issue.maximum.toLocaleString('en');
    return unit ? `must have at most ${most} ${unit}` : `must be ${most} or less`;
  }
  if (unit && issue.minimum === 1) return 'must not be empty';
  const least = issue.minimum.toLocaleString('en');
  return unit ? `must have at least ${least} ${unit}` : `must be ${least} or more`;
};

const formats: Readonly<Record<string, string>> = {
  email: 'must be an e-mail address',
  url: 'must be a URL',
  datetime: 'must be a moment such as 2026-11-25T12:00:00.000Z',
  date: 'must be a day such as 2026-11-25',
};

/** Returns undefined to keep zod's own message. */
export const issueText = (issue: Issue): string | undefined => {
  switch (issue.code) {
    case 'too_small':
    case 'too_big':
      return bound(issue);
    case 'invalid_type': {
      if (issue.input === undefined) return 'is missing';
      const kind = kinds[issue.expected];
      return kind && `must be ${kind}`;
    }
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}`;
    case 'unrecognized_keys':
      return `has unknown fields: ${issue.keys.join(', ')}`;
    case 'invalid_format':
      return issue.format === 'starts_with' ? `must start with ${issue.prefix}` : formats[issue.format];
    default:
      return undefined;
  }
};
