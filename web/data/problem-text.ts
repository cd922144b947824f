/** Describes errors in sentences. */
import { ApiProblem } from './request.ts';

export const messageOf = (error: unknown): string =>
  error instanceof ApiProblem
    ? error.message
    : 'Something went wrong on this page. Reload it; if it happens again, report it.';
