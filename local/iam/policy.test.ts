import { describe, expect, it } from 'vitest';
import { parseIdentityPolicy, parseResourcePolicy } from './policy.ts';

describe('a policy is refused by name', () => {
  const statement = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' };
  const parse = (over: object) => () =>
    parseIdentityPolicy({ Version: '2012-10-17', Statement: [{ ...statement, ...over }] });

  it.each([
    'StringNotEquals',
    'StringEqualsIgnoreCase',
    'StringLike',
    'StringNotLike',
    'NumericLessThan',
    'DateGreaterThan',
    'Bool',
    'BinaryEquals',
    'IpAddress',
    'NotIpAddress',
    'ArnEquals',
    'ArnNotLike',
    'StringEqualsIfExists',
    'ForAllValues:StringLike',
    'ForAnyValue:Null',
    'ForSomeValue:StringEquals',
    'stringequals',
    'toString',
  ])('for the condition operator %s', (operator) => {
    expect(parse({ Condition: { [operator]: { 'aws:SourceIp': '203.0.113.0/24' } } })).toThrow(operator);
  });

  it.each(['NotAction', 'NotResource', 'NotPrincipal', 'Principal', 'Conditions'])(
    'for the element %s',
    (element) => {
      expect(parse({ [element]: '*' })).toThrow(element);
    },
  );

  it.each(['Effect', 'Action', 'Resource'])('for a missing %s', (element) => {
    expect(parse({ [element]: undefined })).toThrow(element);
  });

  it.each(['s3', '*:GetObject', 's*:GetObject', 's3:Get Object'])('for the action %s', (action) => {
    expect(parse({ Action: action })).toThrow(action);
  });

  it.each(['arn:*', 'arn:aws:*:us-east-1:123456789012:x', 'arn:aws:s?s:::x', 'arn:aws*:sqs:::x', 'x*'])(
    'for the resource %s',
    (resource) => {
      expect(parse({ Resource: ['*', resource] })).toThrow(resource);
    },
  );

  it.each(['$'.concat('{aws:username}'), 'arn:aws:s3:::bucket/$'.concat('{aws:PrincipalTag/team}/*')])(
    'for the variable in %s',
    (text) => {
      expect(parse({ Resource: text })).toThrow(text);
      expect(parse({ Condition: { StringEquals: { 'aws:username': text } } })).toThrow(text);
    },
  );

  it.each([
    '*',
    { AWS: '*' },
    { AWS: '123456789012' },
    { AWS: 'arn:aws:iam::123456789012:user/Bob' },
    { AWS: 'arn:aws:sts::123456789012:assumed-role/Caller/x' },
    { Service: '*' },
    { Federated: 'accounts.google.com' },
  ])('for the principal %j', (Principal) => {
    const [name] = typeof Principal === 'string' ? [Principal] : Object.values(Principal);
    const trust = { Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal }] };
    expect(() => parseResourcePolicy(trust)).toThrow('The principal');
    expect(() => parseResourcePolicy(trust)).toThrow(JSON.stringify(name));
  });

  it('for another version, whose rules differ', () => {
    expect(() => parseIdentityPolicy({ Version: '2008-10-17', Statement: [statement] })).toThrow('Version');
  });
});
