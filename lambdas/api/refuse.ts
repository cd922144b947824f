/** Answers with a problem; the API has no other way. */
import type { Context } from 'hono';
import type * as z from 'zod';
import { type ProblemCode, statusOf } from '../../protocol/index.ts';
import { type NameTaken, namedKinds } from '../adapters/resources/names.ts';
import { type FieldErrors, makeProblem, problemHeaders } from '../problems.ts';

export const refuse = (c: Context, code: ProblemCode, detail: string, errors?: FieldErrors) =>
  c.json(makeProblem(code, detail, errors), statusOf(code), problemHeaders(code));

/** `what` is a noun such as "inventory" or "runner". */
export const refuseUnknown = (c: Context, what: string) =>
  refuse(c, 'not_found', `There is no such ${what} here. Check the id, and the project in the path.`);

const toFieldErrors = (issues: readonly z.core.$ZodIssue[]): FieldErrors =>
  issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }));

/** For input that its schema rejects. A path with an impossible id gets "not found". */
export const refuseInvalid = (c: Context, target: string, error: z.core.$ZodError) => {
  if (target === 'param') return refuseUnknown(c, 'resource');
  const errors = toFieldErrors(error.issues);
  const part = target === 'json' ? 'body' : target;
  const fields = [...new Set(errors.map(({ path }) => path || `the ${part}`))].join(', ');
  return refuse(c, 'invalid_request', `The ${part} is not valid: see ${fields}.`, errors);
};

/** For a reference to an object that the project does not have. */
export const refuseReferences = (c: Context, errors: FieldErrors) =>
  refuse(
    c,
    'invalid_reference',
    `The project has nothing with the id in ${errors.map(({ path }) => path).join(', ')}.`,
    errors,
  );

/** For a name that another object of the kind has. */
export const refuseName = (c: Context, { kind, wanted, holderId }: NameTaken) => {
  const one = namedKinds[kind];
  return holderId === undefined
    ? refuse(c, 'name_taken', `Another ${one} is being saved as "${wanted}". Try again in a minute.`, [
        { path: 'name', message: `is being given to another ${one}` },
      ])
    : refuse(
        c,
        'name_taken',
        `"${wanted}" is the name of another ${one} (${holderId}). Choose another name, or rename that one first.`,
        [{ path: 'name', message: `is the name of another ${one} (${holderId})` }],
      );
};

/** For fields that are well formed but do not fit their object. */
export const refuseFields = (c: Context, faults: readonly FieldErrors[number][]) =>
  refuse(c, 'invalid_request', `The body is not valid: see ${faults.map(({ path }) => path).join(', ')}.`, [
    ...faults,
  ]);

export const refuseCursor = (c: Context) =>
  refuse(c, 'invalid_request', 'The cursor is not valid. Use the value of "nextCursor", or leave it out.', [
    { path: 'cursor', message: 'is not a cursor of this listing' },
  ]);
