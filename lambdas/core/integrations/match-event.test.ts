import { describe, expect, it } from 'vitest';
import { parseExactly } from './exact-json.ts';
import { answersIn, headersRead, valueAt, whyNotMatched } from './match-event.ts';

const body = { ref: 'refs/heads/main', 'a/b': { '~': [10, 20] }, nothing: null };
const incoming = {
  headers: { 'x-github-event': 'push' },
  body: parseExactly(JSON.stringify(body)),
};
const inBody = (pointer: string) => ({ from: 'body' as const, pointer });
const inHeader = (header: string) => ({ from: 'header' as const, header });

describe('valueAt', () => {
  it('follows a JSON pointer, with its escapes', () => {
    expect(valueAt(body, '/a~1b/~0/1')).toBe(20);
    expect(valueAt(body, '')).toBe(body);
    expect(valueAt(body, '/ref/0')).toBeUndefined();
    expect(valueAt(body, '/constructor')).toBeUndefined();
  });
});

describe('whyNotMatched', () => {
  const why = (
    source: ReturnType<typeof inBody> | ReturnType<typeof inHeader>,
    operator: 'equals',
    value = '',
  ) => whyNotMatched({ matchers: [{ source, operator, value }] }, incoming);

  it('returns undefined when all matchers hold', () => {
    const matchers = [
      { source: inHeader('x-github-event'), operator: 'equals' as const, value: 'push' },
      { source: inBody('/ref'), operator: 'ends_with' as const, value: '/main' },
      { source: inBody('/ref'), operator: 'contains' as const, value: 'heads' },
      { source: inBody('/ref'), operator: 'starts_with' as const, value: 'refs' },
      { source: inBody('/a~1b/~0/0'), operator: 'equals' as const, value: '10' },
      { source: inBody('/absent'), operator: 'not_equals' as const, value: 'x' },
      { source: inBody('/ref'), operator: 'exists' as const, value: '' },
    ];
    expect(whyNotMatched({ matchers }, incoming)).toBeUndefined();
  });

  it('names the first failing matcher, with the actual value', () => {
    expect(why(inBody('/ref'), 'equals', 'refs/heads/next')).toBe(
      '/ref should equal "refs/heads/next", and is "refs/heads/main".',
    );
    expect(why(inBody('/nothing'), 'equals', 'x')).toBe('/nothing should equal "x", and is missing.');
    expect(why(inHeader('x-other'), 'equals', 'x')).toMatch(/^the header x-other should/);
  });
});

describe('answersIn', () => {
  it('extracts present values, and leaves the rest to the survey', () => {
    const variables = [
      { variable: 'ref', source: inBody('/ref') },
      { variable: 'number', source: inBody('/a~1b/~0/0') },
      { variable: 'absent', source: inBody('/absent') },
    ];
    expect(answersIn({ variables }, incoming)).toEqual({ ref: 'refs/heads/main', number: '10' });
  });
});

describe('headersRead', () => {
  it('lists each header once, by name, including missing ones', () => {
    const matchers = [{ source: inHeader('x-b'), operator: 'exists' as const, value: '' }];
    const variables = [
      { variable: 'b', source: inHeader('x-b') },
      { variable: 'a', source: inHeader('x-a') },
      { variable: 'ref', source: inBody('/ref') },
    ];
    expect(headersRead({ matchers, variables }, { 'x-b': '1' })).toEqual([
      ['x-a', null],
      ['x-b', '1'],
    ]);
  });
});
