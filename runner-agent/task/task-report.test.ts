import { expect, it } from 'vitest';
import { ApiProblem, ApiUnreachable } from '../errors.ts';
import { isFinal } from './task-report.ts';

it('is final when the API answers that the request itself is wrong', () => {
  expect(isFinal(new ApiProblem(422, 'invalid', 'The reason is too long'))).toBe(true);
  expect(isFinal(new ApiProblem(409, 'lease_lost', 'Another runner has the task'))).toBe(true);
});

it('is not final while a new lease, a new session or a network may help', () => {
  expect(isFinal(new ApiProblem(409, 'lease_expired', 'The lease has expired'))).toBe(false);
  expect(isFinal(new ApiProblem(401, 'unauthenticated', 'The session has ended'))).toBe(false);
  expect(isFinal(new ApiUnreachable('No answer'))).toBe(false);
});
