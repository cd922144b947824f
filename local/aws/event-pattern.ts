/**
 * EventBridge's event patterns.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
 */
import { isRecord } from '../template/intrinsics.ts';

export type EventPattern = Readonly<Record<string, unknown>>;

const matchers: Readonly<Record<string, (wanted: unknown, value: unknown) => boolean>> = {
  prefix: (wanted, value) =>
    typeof wanted === 'string' && typeof value === 'string' && value.startsWith(wanted),
  exists: (wanted, value) => (value !== undefined) === wanted,
  'anything-but': (wanted, value) =>
    value !== undefined && !(Array.isArray(wanted) ? wanted : [wanted]).includes(value),
};

const matchesOne = (wanted: unknown, value: unknown): boolean => {
  if (!isRecord(wanted)) return wanted === value;
  return Object.entries(wanted).every(([name, argument]) => {
    const matcher = matchers[name];
    if (!matcher) throw new Error(`The stack on one machine knows no event pattern with "${name}".`);
    return matcher(argument, value);
  });
};

/** True if each field of the pattern contains the event's value for that field. */
export const matchesPattern = (pattern: EventPattern, event: unknown): boolean =>
  Object.entries(pattern).every(([field, wanted]) => {
    const value = isRecord(event) ? event[field] : undefined;
    if (isRecord(wanted)) return matchesPattern(wanted, value);
    if (!Array.isArray(wanted)) throw new Error(`The event pattern of "${field}" must be a list.`);
    const values: unknown[] = Array.isArray(value) ? value : [value];
    return wanted.some((one) => values.some((item) => matchesOne(one, item)));
  });
