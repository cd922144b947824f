/** Text and names that no program, page or table chokes on: what every input is checked for, by whichever door it comes. */
import * as z from 'zod';

/** A control character that stands in no text: all but tab and the two of line ends. */
const badInText = /[^\P{Cc}\t\n\r]/u;
const badInLine = /\p{Cc}/u;

/** Names that every JavaScript object has by birth: as the key of a record they mean something else than they say. */
const reservedNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const codePoint = (text: string): string =>
  `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

/** What is wrong with a text, or with one of a single line; undefined: nothing. */
const textFault = (text: string, isLine: boolean): string | undefined => {
  const found = (isLine ? badInLine : badInText).exec(text);
  return found ? `must not have the control character ${codePoint(found[0])}` : undefined;
};

const nameFault = (name: string): string | undefined =>
  reservedNames.has(name) ? `must not be named ${name}` : textFault(name, true);

type Path = readonly PropertyKey[];
type Refuse = (path: Path, message: string) => void;

/** `survey.*.title` for survey[0].title. */
const patternOf = (path: Path): string =>
  path.map((part) => (typeof part === 'number' ? '*' : String(part))).join('.');

/** The fields whose text is more than text, each by its pattern. */
interface Fields {
  /** Of one line: without tab and line end. */
  readonly lines?: readonly string[];
  /** Of one line, and no reserved name. */
  readonly names?: readonly string[];
}

const faultAt = (text: string, { lines = [], names = [] }: Fields, path: Path): string | undefined => {
  const pattern = patternOf(path);
  return names.includes(pattern) ? nameFault(text) : textFault(text, lines.includes(pattern));
};

const checkDeep = (value: unknown, fields: Fields, refuse: Refuse, path: Path = []): void => {
  if (typeof value === 'string') {
    const fault = faultAt(value, fields, path);
    if (fault !== undefined) refuse(path, fault);
  } else if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) checkDeep(one, fields, refuse, [...path, index]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, one] of Object.entries(value)) {
      const fault = nameFault(key);
      if (fault !== undefined) refuse([...path, key], fault);
      checkDeep(one, fields, refuse, [...path, key]);
    }
  }
};

/**
 * The schema of something that is written. It refuses control characters in every value, and reserved names as keys, by the field's
 * name. A schema that reads stays without it, so that what was stored before this check existed can still be read.
 *
 * @example written(z.strictObject({ name: z.string() }), { lines: ['name'] })
 */
export const written = <T extends z.ZodType>(schema: T, fields: Fields = {}): T =>
  schema.superRefine((value, context) =>
    checkDeep(value, fields, (path, message) =>
      context.addIssue({ code: 'custom', path: [...path], message }),
    ),
  );

/** Values by name. `z.record` alone drops a key `__proto__` without a word. */
export const valuesByName = <V extends z.ZodType>(name: z.ZodType<string, string>, value: V) =>
  z.preprocess(
    (given, context) => {
      if (typeof given === 'object' && given !== null && Object.hasOwn(given, '__proto__')) {
        context.addIssue({ code: 'custom', path: ['__proto__'], message: 'must not be named __proto__' });
      }
      return given;
    },
    z.record(name, value),
  );

/** What a machine reports in passing, such as a commit's message: it is cleaned, as refusing it would lose the report. */
export const cleaned = (text: z.ZodString): z.ZodString =>
  text.overwrite((given) => given.replaceAll(new RegExp(badInText, 'gu'), '\uFFFD'));
