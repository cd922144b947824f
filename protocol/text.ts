/** Text and names that no program, page or table chokes on: what every input is checked for, by whichever door it comes. */
import * as z from 'zod';

/** Control characters that stand in no text, which are all but tab and the two of line ends, and halves of a surrogate pair. */
const badInText = /[^\P{Cc}\t\n\r]|\p{Cs}/u;
const badInLine = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/**
 * What nobody sees in a line: zero-width and tag characters, fillers, and those that turn the direction of what follows. Emoji need two
 * of them: U+200D joins two, and U+FE0F is a part of one.
 */
const hidden =
  /(?!(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\uFE0F)\u200D\p{Extended_Pictographic}|(?<=\p{Extended_Pictographic})\uFE0F|\uFE0F\u20E3)[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

/** Names that every JavaScript object has by birth: as the key of a record they mean something else than they say. */
const reservedNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const codePoint = (text: string): string =>
  `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

const kinds: readonly [RegExp, string][] = [
  [/\p{Cs}/u, 'half of a surrogate pair'],
  [/[\p{Zl}\p{Zp}]/u, 'line end'],
  [/\p{Cc}/u, 'control character'],
];

/** Where it is, in a text that may have several lines and does. */
const placeOf = (text: string, index: number): string => {
  if (!text.includes('\n')) return '';
  const lines = text.slice(0, index).split('\n');
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}: `;
};

/** What is wrong with a text, or with one of a single line; undefined: nothing. */
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
  if (names.includes(pattern)) return nameFault(text);
  const fault = textFault(text, lines.includes(pattern));
  if (fault !== undefined || pattern !== 'name') return fault;
  // The few characters that composing takes apart: a stored name would be longer than it was found to be.
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

/** Two spellings of one name, such as an umlaut as one character or as two, become one. */
const withComposedName = <V>(value: V): V =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
    ? { ...value, name: value.name.normalize('NFC') }
    : value;

/**
 * The schema of something that is written. It refuses control characters and halves of surrogate pairs in every value, invisible
 * characters in lines, and reserved names as keys, by the field's name, and composes `name` (NFC). A schema that reads stays without
 * it, so that what was stored before this check existed can still be read.
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
