import { describe, expect, it } from 'vitest';
import { noValue, resolve, type Scope } from './intrinsics.ts';

const scope: Scope = {
  ref: (name) => (name === 'AWS::NoValue' ? noValue : `ref-${name}`),
  attribute: (logicalId, name) => `${logicalId}:${name}`,
  condition: (name) => name === 'Yes',
};

describe('intrinsic functions', () => {
  it.each([
    ['Ref', { Ref: 'Table' }, 'ref-Table'],
    ['Fn::GetAtt', { 'Fn::GetAtt': ['Fn', 'Arn'] }, 'Fn:Arn'],
    ['Fn::GetAtt as text', { 'Fn::GetAtt': 'Fn.Arn' }, 'Fn:Arn'],
    ['Fn::Join', { 'Fn::Join': ['-', ['a', { Ref: 'B' }, 3]] }, 'a-ref-B-3'],
    [
      'Fn::Sub',
      { 'Fn::Sub': '$' + '{Fn.Arn}/$' + '{AWS::Region}/$' + '{!Literal}' },
      'Fn:Arn/ref-AWS::Region/$' + '{Literal}',
    ],
    ['Fn::Sub with variables', { 'Fn::Sub': ['$' + '{x}', { x: { Ref: 'Y' } }] }, 'ref-Y'],
    ['Fn::Select of Fn::Split', { 'Fn::Select': [1, { 'Fn::Split': ['/', 'a/b/c'] }] }, 'b'],
    ['Fn::If', { 'Fn::If': ['No', 1, { Ref: 'Else' }] }, 'ref-Else'],
    [
      'conditions',
      { 'Fn::And': [{ Condition: 'Yes' }, { 'Fn::Not': [{ 'Fn::Equals': ['a', 'b'] }] }] },
      true,
    ],
    ['AWS::NoValue in a record', { a: { Ref: 'AWS::NoValue' }, b: 1 }, { b: 1 }],
    ['AWS::NoValue in a list', [{ Ref: 'AWS::NoValue' }, 2], [2]],
    [
      'a condition block of a policy',
      { Condition: { StringEquals: {} } },
      { Condition: { StringEquals: {} } },
    ],
  ])('resolves %s', (_what, given, expected) => {
    expect(resolve(given, scope)).toEqual(expected);
  });

  it('rejects an unknown function by its name', () => {
    expect(() => resolve({ 'Fn::ImportValue': 'x' }, scope)).toThrow('Fn::ImportValue');
  });
});
