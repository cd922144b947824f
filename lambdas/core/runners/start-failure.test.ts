import { describe, expect, it } from 'vitest';
import { addMs } from '../../../protocol/index.ts';
import { noon } from '../testing.ts';
import { isTimeToRetry, mayBeOnDemand, startFailure } from './start-failure.ts';

describe('a start that EC2 refuses', () => {
  it.each([
    ['InsufficientInstanceCapacity', true, /it is tried again/],
    ['InstanceLimitExceeded', true, /Ask AWS for a higher one/],
    ['InvalidInstanceID.NotFound', false, /Bind the runner/],
    ['UnauthorizedOperation', false, /the tag reveille:stack.*service control policy/],
    ['AuthFailure', false, /opted into/],
    ['AuthFailure.ServiceLinkedRoleCreationNotPermitted', true, /create-service-linked-role/],
  ])("keeps AWS's whole message for %s, with advice after it", (code, mayPass, advice) => {
    const said = 'You are not authorized: an explicit deny in a service control policy. Encoded: x7';
    const failure = startFailure(code, said);
    expect(failure).toEqual({ mayPass, detail: expect.stringMatching(advice) });
    expect(failure.detail).toMatch(new RegExp(`^${said}\\. \\(${code}\\) `));
  });

  it("is retried after an unknown code, and shows AWS's words", () => {
    expect(startFailure('Odd', 'Something is odd')).toEqual({
      mayPass: true,
      detail: 'Something is odd. (Odd)',
    });
  });

  it('shows only our text for a code of our own, as AWS has no message', () => {
    const { mayPass, detail } = startFailure('instance_of_another_project', 'instance_of_another_project');
    expect(mayPass).toBe(false);
    expect(detail).toMatch(/^The tag reveille:project keeps the instance/);
  });

  it('is retried less and less often, but at least every five minutes', () => {
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

describe('a spot instance that EC2 refuses', () => {
  it.each([
    'AuthFailure.ServiceLinkedRoleCreationNotPermitted',
    'InsufficientInstanceCapacity',
    'InvalidFleetConfiguration',
    'MaxSpotInstanceCountExceeded',
    'SpotMaxPriceTooLow',
    'Unsupported',
    'UnfulfillableCapacity',
  ])('is replaced by on-demand when one of the reasons is %s', (code) => {
    expect(mayBeOnDemand(['InvalidParameterValue', code])).toBe(true);
  });

  it.each([[[]], [['InvalidParameterValue', 'InvalidSubnetID.NotFound']]])(
    'is not replaced by on-demand for the reasons %j',
    (codes) => {
      expect(mayBeOnDemand(codes)).toBe(false);
    },
  );
});
