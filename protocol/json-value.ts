/** Any JSON value, for a program that takes any. */
import * as z from 'zod';
import { anyNumber } from './common.ts';

const maxStringLength = 32_768;
const maxNameLength = 200;
/** DynamoDB nests up to 32 levels, the item and the way to the value included. */
const maxDepth = 20;

type Path = readonly (string | number)[];

/** Returns the faults of a value from JSON: what cannot be stored. */
function* faultsIn(value: unknown, path: Path = []): Generator<{ path: Path; message: string }> {
  if (typeof value === 'string' && value.length > maxStringLength) {
    yield { path, message: `must have at most ${maxStringLength.toLocaleString('en')} characters` };
  } else if (typeof value === 'number') {
    for (const { message } of anyNumber.safeParse(value).error?.issues ?? []) yield { path, message };
  } else if (typeof value === 'object' && value !== null) {
    if (path.length === maxDepth) {
      yield { path, message: `must not be nested deeper than ${maxDepth} levels` };
      return;
    }
    for (const [key, one] of Object.entries(value)) {
      const at = [...path, Array.isArray(value) ? Number(key) : key];
      if (key.length > maxNameLength)
        yield { path: at, message: `must have a name of at most ${maxNameLength} characters` };
      yield* faultsIn(one, at);
    }
  }
}

export const jsonValue = z.unknown().superRefine((value, context) => {
  // Ends the parsing, as the checks that follow descend to any depth.
  for (const { path, message } of faultsIn(value))
    context.addIssue({ code: 'custom', path: [...path], message, continue: false });
});
