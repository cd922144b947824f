import { describe, expect, it } from 'vitest';
import { afterFault, afterThrottle, inOrder, type Piece, type Start, without } from './start-pieces.ts';

const starts = (count: number, kind = 't4g.small a'): Piece =>
  Array.from({ length: count }, (_, index): Start => ({ instanceId: `i-${kind}-${index}`, kind }));
const sizes = (pieces: readonly Piece[]) => pieces.map(({ length }) => length);

describe('pieces of a batch', () => {
  it('put the halves of a throttled piece first', () => {
    expect(sizes(afterThrottle(starts(5), [starts(9)]))).toEqual([3, 2, 9]);
    expect(sizes(afterThrottle(starts(1), [starts(9)]))).toEqual([1, 9]);
  });

  it('put the halves of a refused piece last, so that good pieces do not wait', () => {
    expect(sizes(afterFault(starts(5), [starts(9)], 'UnauthorizedOperation'))).toEqual([9, 3, 2]);
  });

  it('go on with a half at once after a shortage, down to one that shows how much is left', () => {
    expect(sizes(afterFault(starts(5), [starts(9)], 'InsufficientInstanceCapacity'))).toEqual([3, 9, 2]);
  });

  it('keep one type and zone together, so that a half has few of them', () => {
    const mixed = [...starts(1, 'b'), ...starts(1, 'a'), ...starts(1, 'b')];
    expect(inOrder(mixed).map(({ kind }) => kind)).toEqual(['a', 'b', 'b']);
  });

  it('lose what is settled, and vanish when nothing is left', () => {
    const pieces = [starts(3, 'a'), [...starts(1, 'a'), ...starts(2, 'b')]];
    expect(sizes(without(pieces, ({ kind }) => kind === 'a'))).toEqual([2]);
  });
});
