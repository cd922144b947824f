import { describe, expect, it } from 'vitest';
import { compileCondition } from './expressions.ts';

describe('a condition', () => {
  it('has one pair of brackets around alternatives, however they are nested', () => {
    const { ConditionExpression } = compileCondition([
      ['exists', 'a'],
      [
        'any',
        ['missing', 'b'],
        [
          'any',
          ['exists', 'c'],
          ['all', ['exists', 'd'], ['missing', 'e'], ['any', ['exists', 'a'], ['exists', 'b']]],
        ],
      ],
    ]);
    expect(ConditionExpression?.replaceAll('attribute_', '')).toBe(
      'exists(#n0) AND (not_exists(#n1) OR exists(#n2) OR exists(#n3) AND not_exists(#n4) AND (exists(#n0) OR exists(#n1)))',
    );
  });
});
