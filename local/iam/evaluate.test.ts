// The cases are examples and rules of AWS's documentation, on the page that stands above them.
import { describe, expect, it } from 'vitest';
import type { Context } from './conditions.ts';
import { evaluate, type Verdict } from './evaluate.ts';
import { parseIdentityPolicy, parseResourcePolicy } from './policy.ts';

const account = 'arn:aws:iam::123456789012';
const caller = `${account}:role/Caller`;
const policy = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });
const allow = (Action: string | string[], Resource: string | string[], over = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...over,
});
const deny = (Action: string, Resource: string) => ({ Effect: 'Deny', Action, Resource });

interface Asked {
  readonly action: string;
  readonly resource: string;
  readonly principal?: string;
  readonly context?: Context;
  readonly identity?: readonly object[];
  readonly ofResource?: readonly object[];
}
const judge = ({ identity = [], ofResource, principal = caller, ...asked }: Asked): Verdict =>
  evaluate(
    { principal, ...asked },
    {
      identityBased: parseIdentityPolicy(policy(...identity)),
      ...(ofResource && { resourceBased: parseResourcePolicy(policy(...ofResource)) }),
    },
  );
const isAllowed = (asked: Asked): boolean => judge(asked).allowed;

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
describe('the evaluation logic', () => {
  const get = { action: 's3:GetObject', resource: 'arn:aws:s3:::carlossalazar-logs/a' };

  it('denies what no statement allows', () => {
    expect(judge(get)).toEqual({ allowed: false, by: [] });
    expect(judge({ ...get, identity: [allow('s3:PutObject', '*')] })).toEqual({ allowed: false, by: [] });
  });

  it('names the grants that allow, as the policy writes them', () => {
    const identity = [
      allow(['s3:Get*', 's3:Put*'], ['arn:aws:s3:::*/a', 'arn:aws:s3:::other/*']),
      allow('*', '*'),
    ];
    expect(judge({ ...get, identity }).by).toEqual([
      { action: 's3:Get*', resource: 'arn:aws:s3:::*/a' },
      { action: '*', resource: '*' },
    ]);
  });

  it('lets an explicit deny win over an allow, in whatever order, and of the resource too', () => {
    const allows = allow('s3:*', '*');
    const denies = deny('s3:GetObject', 'arn:aws:s3:::carlossalazar-logs/*');
    expect(judge({ ...get, identity: [allows, denies] })).toEqual({ allowed: false, by: [] });
    expect(isAllowed({ ...get, identity: [denies, allows] })).toBe(false);
    expect(isAllowed({ ...get, resource: 'arn:aws:s3:::others/a', identity: [allows, denies] })).toBe(true);
    const ofResource = [
      { Effect: 'Allow', Action: 's3:*', Principal: { AWS: caller } },
      { Effect: 'Deny', Action: 's3:*', Principal: { AWS: `${account}:root` } },
    ];
    expect(isAllowed({ ...get, identity: [allows], ofResource })).toBe(false);
  });
});

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
describe('a trust policy', () => {
  const role = `${account}:role/Assumed`;
  const assume = { action: 'sts:AssumeRole', resource: role };
  const trust = (Principal: object, over = {}) => [
    { Effect: 'Allow', Action: 'sts:AssumeRole', Principal, ...over },
  ];
  const identity = [allow('sts:AssumeRole', role)];

  it('is enough when it names a role of the same account', () => {
    const ofResource = trust({ AWS: [`${account}:role/Other`, caller] });
    expect(judge({ ...assume, ofResource })).toEqual({ allowed: true, by: [] });
    expect(judge({ ...assume, ofResource, identity }).by).toEqual([
      { action: 'sts:AssumeRole', resource: role },
    ]);
  });

  it('leaves it to the policies of the caller when it names the account', () => {
    const ofResource = trust({ AWS: `${account}:root` });
    expect(isAllowed({ ...assume, ofResource })).toBe(false);
    expect(isAllowed({ ...assume, ofResource, identity })).toBe(true);
  });

  it('must allow the caller, whatever the policies of the caller allow', () => {
    const others = [`${account}:role/Other`, 'arn:aws:iam::999999999999:root', `${account}:role/Call`];
    for (const AWS of others)
      expect(isAllowed({ ...assume, ofResource: trust({ AWS }), identity })).toBe(false);
    expect(isAllowed({ ...assume, ofResource: [], identity })).toBe(false);
  });

  it('lets the service in that it names, on its conditions', () => {
    const SourceAccount = { StringEquals: { 'aws:SourceAccount': '123456789012' } };
    const ofResource = trust({ Service: 'scheduler.amazonaws.com' }, { Condition: SourceAccount });
    const by = (principal: string, context: Context) =>
      isAllowed({ ...assume, principal, context, ofResource });
    expect(by('scheduler.amazonaws.com', { 'aws:SourceAccount': '123456789012' })).toBe(true);
    expect(by('scheduler.amazonaws.com', { 'aws:SourceAccount': '999999999999' })).toBe(false);
    expect(by('scheduler.amazonaws.com', {})).toBe(false);
    expect(by('lambda.amazonaws.com', { 'aws:SourceAccount': '123456789012' })).toBe(false);
  });
});

// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
describe('the policy of a KMS key', () => {
  const key = 'arn:aws:kms:us-west-2:123456789012:key/1234abcd';
  const decrypt = { action: 'kms:Decrypt', resource: key, identity: [allow('kms:Decrypt', key)] };
  const statement = (AWS: string) => [
    allow('kms:*', '*', { Sid: 'Enable IAM policies', Principal: { AWS } }),
  ];

  it('makes policies of roles count when it allows the account', () => {
    expect(isAllowed({ ...decrypt, ofResource: statement(`${account}:root`) })).toBe(true);
    expect(isAllowed({ ...decrypt, ofResource: statement(`${account}:root`), identity: [] })).toBe(false);
  });

  it('makes policies of roles void when it does not', () => {
    expect(isAllowed({ ...decrypt, ofResource: statement(`${account}:role/KeyUser`) })).toBe(false);
  });
});

describe('conditions', () => {
  const holds = (Condition: object, context: Context): boolean =>
    isAllowed({ action: 'a:B', resource: '*', context, identity: [allow('a:B', '*', { Condition })] });

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
  it('need one value of each key of each operator', () => {
    const condition = {
      StringEquals: {
        'aws:PrincipalTag/department': ['finance', 'hr', 'legal'],
        'aws:PrincipalTag/role': ['audit', 'security'],
      },
      ArnLike: { 'aws:PrincipalArn': [`${account}:user/Ana`, `${account}:user/Mary`] },
    };
    const context = {
      'aws:PrincipalTag/department': 'hr',
      'aws:PrincipalTag/role': 'audit',
      'aws:PrincipalArn': `${account}:user/Mary`,
    };
    expect(holds(condition, context)).toBe(true);
    for (const key of Object.keys(context)) {
      expect(holds(condition, { ...context, [key]: 'other' })).toBe(false);
      expect(
        holds(condition, Object.fromEntries(Object.entries(context).filter(([one]) => one !== key))),
      ).toBe(false);
    }
  });

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
  it('know keys in any case, and values in theirs', () => {
    const condition = { StringEquals: { 'aws:username': 'john' } };
    expect(holds(condition, { 'AWS:UserName': 'john' })).toBe(true);
    expect(holds(condition, { 'aws:username': 'John' })).toBe(false);
    expect(holds({ StringEquals: { 'aws:username': 'j*' } }, { 'aws:username': 'john' })).toBe(false);
  });

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
  describe('by operator', () => {
    it('ArnLike compares each of the six components', () => {
      const like = (pattern: string, arn: string) =>
        holds({ ArnLike: { 'aws:SourceArn': pattern } }, { 'aws:SourceArn': arn });
      expect(like('arn:aws:sns:*:123456789012:my-topic', 'arn:aws:sns:eu-west-1:123456789012:my-topic')).toBe(
        true,
      );
      expect(like('arn:aws:sns:*:123456789012:my-topic', 'arn:aws:sns:a:b:123456789012:my-topic')).toBe(
        false,
      );
      expect(like('arn:aws:sns:*:my-topic', 'arn:aws:sns:eu-west-1:123456789012:my-topic')).toBe(false);
      expect(like('arn:aws:ec2:*:*:launch-template/*', 'arn:aws:ec2:eu-west-1:1:launch-template/lt:1')).toBe(
        true,
      );
    });

    it('Null asks whether the key is there', () => {
      const isThere = { Null: { 'aws:TokenIssueTime': 'false' } };
      const isAbsent = { Null: { 'aws:TokenIssueTime': 'true' } };
      const context = { 'aws:TokenIssueTime': '2026-11-30T00:00:00Z' };
      expect([holds(isThere, context), holds(isThere, {})]).toEqual([true, false]);
      expect([holds(isAbsent, context), holds(isAbsent, {})]).toEqual([false, true]);
      expect(() => holds({ Null: { 'aws:TokenIssueTime': 'yes' } }, {})).toThrow('"yes"');
    });
  });

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
  describe('on multivalued keys', () => {
    const keys = (set: string) => ({
      [`${set}:StringEquals`]: { 'aws:TagKeys': ['environment', 'cost-center'] },
    });
    const tags = (...values: string[]) => ({ 'aws:TagKeys': values });

    it('ForAllValues needs every value of the request in the policy, and holds without a value', () => {
      expect(holds(keys('ForAllValues'), tags('environment'))).toBe(true);
      expect(holds(keys('ForAllValues'), tags('environment', 'cost-center'))).toBe(true);
      expect(holds(keys('ForAllValues'), tags('environment', 'owner'))).toBe(false);
      expect([holds(keys('ForAllValues'), tags()), holds(keys('ForAllValues'), {})]).toEqual([true, true]);
    });

    it('ForAnyValue needs one value of the request in the policy, and fails without a value', () => {
      expect(holds(keys('ForAnyValue'), tags('owner', 'environment'))).toBe(true);
      expect(holds(keys('ForAnyValue'), tags('owner'))).toBe(false);
      expect([holds(keys('ForAnyValue'), tags()), holds(keys('ForAnyValue'), {})]).toEqual([false, false]);
    });

    it('need ForAllValues or ForAnyValue', () => {
      expect(() => holds({ StringEquals: { 'aws:TagKeys': 'owner' } }, tags('owner'))).toThrow('aws:TagKeys');
    });
  });
});

// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_assumerole.html
describe('a session policy', () => {
  it('is judged like a policy of the role, so that both can be asked', () => {
    const bucket = 'arn:aws:s3:::productionapp';
    const session = parseIdentityPolicy(
      policy(allow(['s3:ListBucket', 's3:GetObject'], [bucket, `${bucket}/*`])),
    );
    const may = (action: string) =>
      evaluate({ principal: caller, action, resource: `${bucket}/1` }, { identityBased: session }).allowed;
    expect([may('s3:GetObject'), may('s3:DeleteObject')]).toEqual([true, false]);
  });
});
