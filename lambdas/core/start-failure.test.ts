import { describe, expect, it } from 'vitest';
import { addMs } from '../../protocol/index.ts';
import { isTimeToRetry, startFailure } from './start-failure.ts';
import { noon } from './testing.ts';

describe('a start that EC2 refuses', () => {
  it.each([
    ['InsufficientInstanceCapacity', true, /capacity/],
    ['InstanceLimitExceeded', true, /limit/],
    ['InvalidInstanceID.NotFound', false, /Bind the runner/],
    ['UnauthorizedOperation', false, /tag/],
  ])('with %s says what to do', (code, mayPass, detail) => {
    expect(startFailure(code, 'no')).toMatchObject({ mayPass, detail: expect.stringMatching(detail) });
  });

  it("with a code that is not known is tried again, and shows AWS's words", () => {
    expect(startFailure('Odd', 'Something is odd')).toEqual({ mayPass: true, detail: 'Something is odd' });
  });

  it('is tried again ever less often, but at least every five minutes', () => {
    const failedAfter = (ms: number) => ({
      statusSince: noon,
      fault: { code: 'x', detail: 'x', at: addMs(noon, ms) },
    });
    const isTimeAfter = (failedMs: number, ms: number) =>
      isTimeToRetry(failedAfter(failedMs), addMs(noon, failedMs + ms));
    expect(isTimeAfter(120_000, 59_000)).toBe(false);
    expect(isTimeAfter(120_000, 60_000)).toBe(true);
    expect(isTimeAfter(3_600_000, 299_000)).toBe(false);
    expect(isTimeAfter(3_600_000, 300_000)).toBe(true);
  });
});
