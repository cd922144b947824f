/** Errors of the HTTP boundary: problem details and the headers of an answer. */
import { type Problem, type ProblemCode, problemMediaType, statusOf, titleOf } from '../protocol/index.ts';

export type FieldErrors = NonNullable<Problem['errors']>;

/** Makes problem details (RFC 9457); `detail` has the fault and the remedy. */
export const makeProblem = (code: ProblemCode, detail: string, errors?: FieldErrors): Problem => ({
  type: `urn:reveille:problem:${code}`,
  title: titleOf(code),
  status: statusOf(code),
  detail,
  code,
  errors,
});

/** Headers of every response of the API and of the webhook receivers. */
export const answerHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** Headers of a problem. A rejected credential names the scheme to use (RFC 9110, section 11.6.1). */
export const problemHeaders = (code: ProblemCode): Record<string, string> => ({
  'content-type': problemMediaType,
  ...answerHeaders,
  ...(statusOf(code) === 401 && { 'www-authenticate': 'Bearer realm="reveille"' }),
});
