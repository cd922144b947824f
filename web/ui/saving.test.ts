import { describe, expect, it } from 'vitest';
import { isShortHistory, isTooEarly, savedOf } from './saving.ts';

describe('savings', () => {
  it('hide a loss while the history is short', () => {
    const first = { spent: 280, alwaysOn: 150, isShort: true };
    expect(isTooEarly(first)).toBe(true);
    expect(savedOf(first)).toBeUndefined();
  });

  it('show a loss once the history is longer', () => {
    const later = { spent: 280, alwaysOn: 150, isShort: false };
    expect(isTooEarly(later)).toBe(false);
    expect(savedOf(later)).toBe(-130);
  });

  it('show a gain at once, and nothing without the other sum', () => {
    expect(savedOf({ spent: 150, alwaysOn: 280, isShort: true })).toBe(130);
    expect(savedOf({ spent: 150, alwaysOn: undefined, isShort: true })).toBeUndefined();
    expect(isTooEarly({ spent: 150, alwaysOn: undefined, isShort: true })).toBe(false);
  });
});

it('calls a history short while nothing counts before yesterday', () => {
  const counts = (tasks: number) => tasks > 0;
  expect(isShortHistory([0, 0, 0, 3], counts)).toBe(true);
  expect(isShortHistory([0, 0, 2, 3], counts)).toBe(true);
  expect(isShortHistory([0, 1, 0, 3], counts)).toBe(false);
  expect(isShortHistory([], counts)).toBe(true);
});
