import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMasker } from './masker.ts';

const maskAll = (secrets: string[], pieces: string[]) => {
  const masker = createMasker(secrets);
  return pieces.map((piece) => masker.write(piece)).join('') + masker.end();
};

/** Uses few letters, so that secrets occur, overlap and begin again within one another. */
const letters = (options: fc.StringConstraints) =>
  fc.string({ ...options, unit: fc.constantFrom('a', 'b', 'c') });
const secret = letters({ minLength: 4, maxLength: 8 });
const secretList = fc.array(secret, { minLength: 1, maxLength: 4 });

describe('the masker', () => {
  it('hides a secret that is split over two pieces', () => {
    expect(maskAll(['hunter22'], ['pass hun', 'ter22 ok'])).toBe('pass *** ok');
  });

  it('keeps back only a possible start of a secret', () => {
    const masker = createMasker(['hunter22']);
    expect(masker.write('hello hun')).toBe('hello ');
    expect(masker.write('gry')).toBe('hungry');
  });

  it('shows at the end the text that was no secret', () => {
    expect(maskAll(['hunter22'], ['hunter2'])).toBe('hunter2');
  });

  it('hides the longer of two secrets that begin alike', () => {
    expect(maskAll(['abcd', 'abcdef'], ['x abcd', 'ef y'])).toBe('x *** y');
  });

  it('never shows a secret, however the text is cut', () => {
    fc.assert(
      fc.property(secretList, fc.array(fc.oneof(letters({ maxLength: 6 }), secret)), (secrets, pieces) => {
        const shown = maskAll(secrets, pieces);
        for (const one of secrets) expect(shown).not.toContain(one);
      }),
    );
  });

  it('returns the same for a text in pieces and as a whole', () => {
    fc.assert(
      fc.property(secretList, fc.array(letters({ maxLength: 6 })), (secrets, pieces) => {
        expect(maskAll(secrets, pieces)).toBe(maskAll(secrets, [pieces.join('')]));
      }),
    );
  });

  it('leaves text without a secret unchanged', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (pieces) => {
        expect(maskAll(['\u0000secret\u0000'], pieces)).toBe(pieces.join(''));
      }),
    );
  });
});
