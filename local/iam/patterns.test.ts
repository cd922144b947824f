import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesAction, matchesResource } from './patterns.ts';

describe('wildcards', () => {
  const resource = (pattern: string, arn: string): boolean => matchesResource(pattern)(arn);

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
  it('match actions in any case', () => {
    expect(matchesAction('iam:ListAccessKeys')('IAM:listaccesskeys')).toBe(true);
    for (const action of ['CreateAccessKey', 'DeleteAccessKey', 'ListAccessKeys', 'UpdateAccessKey']) {
      expect(matchesAction('iam:*AccessKey*')(`iam:${action}`)).toBe(true);
    }
    expect(matchesAction('s3:*')('s3:GetObject')).toBe(true);
    expect(matchesAction('s3:*')('s3express:GetObject')).toBe(false);
  });

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
  it('match resources in their own case', () => {
    expect(
      resource(
        'arn:aws:iam::123456789012:user/accounting/*',
        'arn:aws:iam::123456789012:user/accounting/Bob',
      ),
    ).toBe(true);
    expect(resource('arn:aws:iam::123456789012:user/Bob', 'arn:aws:iam::123456789012:user/bob')).toBe(false);
    expect(
      resource('arn:aws:s3:::amzn-s3-demo-bucket/*/test/*', 'arn:aws:s3:::amzn-s3-demo-bucket/1/test/2'),
    ).toBe(true);
    expect(
      resource('arn:aws:s3:::amzn-s3-demo-bucket/*/test/*', 'arn:aws:s3:::amzn-s3-demo-bucket/test/1'),
    ).toBe(false);
    const year = 'arn:aws:s3:::bucket/202?/x';
    expect([
      resource(year, 'arn:aws:s3:::bucket/2026/x'),
      resource(year, 'arn:aws:s3:::bucket/202/x'),
    ]).toEqual([true, false]);
  });

  it('pass the end of a segment only from the end of a segment', () => {
    const arn = 'arn:aws:logs:us-east-1:123456789012:log-group:One:log-stream:1';
    expect(resource('arn:aws:logs:us-east-1:123456789012:log-group:One:*', arn)).toBe(true);
    expect(resource('arn:aws:logs:*', arn)).toBe(true);
    expect(resource('arn:aws:logs:us-*-1:123456789012:log-group:One:*', arn)).toBe(true);
    expect(resource('arn:aws:logs:us*1:log-stream:1', arn)).toBe(false);
  });

  /** Matches by trying every length for each `*`. */
  const byTrial = (pattern: string, text: string): boolean => {
    if (pattern === '') return text === '';
    const [first, rest] = [pattern[0], pattern.slice(1)];
    if (first === '*') return byTrial(rest, text) || (text !== '' && byTrial(pattern, text.slice(1)));
    return text !== '' && (first === '?' || first === text[0]) && byTrial(rest, text.slice(1));
  };

  it('match what a matcher by trial does', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '$', '*', '?'), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '$'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (glob, value) => {
        expect(matchesAction(glob)(value)).toBe(byTrial(glob, value));
        expect(matchesResource(glob)(value)).toBe(byTrial(glob, value));
      }),
      { numRuns: 2000 },
    );
  });
});
