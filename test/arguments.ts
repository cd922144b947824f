/** Parsers for options of our scripts. For a wrong option, commander prints its name and exits with 1. */
import { InvalidArgumentError } from 'commander';

const parse = (text: string, isRight: (value: number) => boolean, what: string): number => {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!isRight(value)) throw new InvalidArgumentError(`It must be ${what}.`);
  return value;
};

export const wholeNumber =
  (least: number) =>
  (text: string): number =>
    parse(text, (value) => Number.isSafeInteger(value) && value >= least, `a whole number, ${least} or more`);

export const notNegative = (text: string): number =>
  parse(text, (value) => value >= 0 && Number.isFinite(value), 'a number, 0 or more');

export const share = (text: string): number =>
  parse(text, (value) => value >= 0 && value <= 1, 'a number from 0 to 1');
