/**
 * JSON whose numbers keep their digits: JavaScript rounds integers beyond 2^53 and fractions of more than 15
 * digits.
 */
import { createHash } from 'node:crypto';

export interface ExactJson {
  readonly value: unknown;
  /**
   * Converts a part of the value to text: a string unchanged, a number with its original digits, else JSON.
   */
  readonly textOf: (part: unknown) => string;
}

const plainText = (part: unknown): string => (typeof part === 'string' ? part : JSON.stringify(part));

/** Matches a string, to skip its digits, or a number. */
const stringOrNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A double keeps up to 15 significant digits (IEEE 754, binary64). */
const exactDigits = 15;
const isRounded = (token: string): boolean => {
  if (token.startsWith('"')) return false;
  const digits = token
    .replace(/[eE].*$/, '')
    .replaceAll(/[-.]/g, '')
    .replace(/^0+/, '');
  const value = Number(token);
  return digits.length > exactDigits || !Number.isFinite(value) || (value === 0 && digits !== '');
};

/**
 * Parses JSON; throws a SyntaxError where JSON.parse does. Numbers that would be rounded become strings after
 * a mark. The mark is a hash of the whole text, so no text can contain its own mark.
 */
export const parseExactly = (text: string): ExactJson => {
  const value: unknown = JSON.parse(text);
  const mark = createHash('sha256').update(text).digest('hex');
  let isMarked = false;
  const marked = text.replaceAll(stringOrNumber, (token) => {
    if (!isRounded(token)) return token;
    isMarked = true;
    return `"${mark}${token}"`;
  });
  if (!isMarked) return { value, textOf: plainText };
  const quoted = new RegExp(`"${mark}([^"]*)"`, 'g');
  return {
    value: JSON.parse(marked),
    textOf: (part) =>
      typeof part === 'string' && part.startsWith(mark)
        ? part.slice(mark.length)
        : typeof part === 'string'
          ? part
          : JSON.stringify(part).replaceAll(quoted, '$1'),
  };
};
