/** Checks of all input text and names, so that no program, page or table fails on them. */
import * as z from 'zod';

/** Control characters, except tab and the two of line ends, and halves of a surrogate pair. */
const badInText = /[^\P{Cc}\t\n\r]|\p{Cs}/u;
const badInLine = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/**
 * Invisible characters in a line: zero-width and tag characters, fillers, and those that change the text
 * direction. Emoji need two of them: U+200D joins two, and U+FE0F is a part of one.
 */
const hidden =
  /(?!(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\uFE0F)\u200D\p{Extended_Pictographic}|(?<=\p{Extended_Pictographic})\uFE0F|\uFE0F\u20E3)[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

/** Names that every JavaScript object inherits: as keys of a record they have another meaning. */
const reservedNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const codePoint = (text: string): string =>
  `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

const kinds: readonly [RegExp, string][] = [
  [/\p{Cs}/u, 'half of a surrogate pair'],
  [/[\p{Zl}\p{Zp}]/u, 'line end'],
  [/\p{Cc}/u, 'control character'],
];

/** Position of a fault, in a text that has several lines. */
const placeOf = (text: string, index: number): string => {
  if (!text.includes('\n')) return '';
  const lines = text.slice(0, index).split('\n');
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}: `;
};

/** Returns the fault of a text or of a single line; undefined: none. */
const textFault = (text: string, isLine: boolean): string | undefined => {
  const found = isLine ? (badInLine.exec(text) ?? hidden.exec(text)) : badInText.exec(text);
  if (!found) return undefined;
  const [character] = found;
  const kind = kinds.find(([pattern]) => pattern.test(character))?.[1] ?? 'invisible character';
  return `${isLine ? '' : placeOf(text, found.index)}must not have the ${kind} ${codePoint(character)}`;
};

const nameFault = (name: string): string | undefined =>
  reservedNames.has(name) ? `must not be named ${name}` : textFault(name, true);

type Path = readonly PropertyKey[];
type Refuse = (path: Path, message: string) => void;

/** Pattern of a path: `survey.*.title` for survey[0].title. */
const patternOf = (path: Path): string =>
  path.map((part) => (typeof part === 'number' ? '*' : String(part))).join('.');

/** Fields with further rules, each by its pattern. */
interface Fields {
  /** Single lines: without tab and line end. */
  readonly lines?: readonly string[];
  /** Single lines without a reserved name. */
  readonly names?: readonly string[];
}

const faultAt = (text: string, { lines = [], names = [] }: Fields, path: Path): string | undefined => {
  const pattern = patternOf(path);
  if (names.includes(pattern)) return nameFault(text);
  const fault = textFault(text, lines.includes(pattern));
  if (fault !== undefined || pattern !== 'name') return fault;
  // A few characters decompose in NFC: a stored name would exceed its checked length.
  return text.normalize('NFC').length > text.length ? 'must be written in Unicode normal form C' : undefined;
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

/** Unifies spellings of a name, such as an umlaut as one or two characters. */
const withComposedName = <V>(value: V): V =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
    ? { ...value, name: value.name.normalize('NFC') }
    : value;

/**
 * Schema for input. It rejects control characters and halves of surrogate pairs in every value, invisible
 * characters in lines, and reserved names as keys, each with the field's name. It composes `name` (NFC). A
 * schema that reads stored items has no such checks, so that older items stay readable.
 *
 * @example written(z.strictObject({ name: z.string() }), { lines: ['name'] })
 */
export const written = <T extends z.ZodType>(schema: T, fields: Fields = {}): T =>
  schema
    .superRefine((value, context) =>
      checkDeep(value, fields, (path, message) =>
        context.addIssue({ code: 'custom', path: [...path], message }),
      ),
    )
    .overwrite(withComposedName);

/** Values by name. `z.record` alone drops a key `__proto__` silently. */
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

/** Cleans text in a machine's report, such as a commit's message, as rejecting it would lose the report. */
export const cleaned = (text: z.ZodString): z.ZodString =>
  text.overwrite((given) => given.replaceAll(new RegExp(badInText, 'gu'), '\uFFFD'));
