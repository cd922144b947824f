import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMasking } from './masker.ts';

const maskAll = (secrets: string[], pieces: string[]) => {
  const masker = createMasking(secrets).open();
  return pieces.map((piece) => masker.write(piece)).join('') + masker.end();
};

/** Uses few letters, so that secrets occur, overlap and begin again within one another. */
const letters = (options: fc.StringConstraints) =>
  fc.string({ ...options, unit: fc.constantFrom('a', 'b', 'c') });
const secret = letters({ minLength: 4, maxLength: 12 });
const secretList = fc.array(secret, { minLength: 1, maxLength: 40 });

describe('the masker', () => {
  it('hides a secret that is split over two pieces', () => {
    expect(maskAll(['hunter22'], ['pass hun', 'ter22 ok'])).toBe('pass *** ok');
  });

  it('keeps back only a possible start of a secret', () => {
    const masker = createMasking(['hunter22']).open();
    expect(masker.write('hello hun')).toBe('hello ');
    expect(masker.write('gry')).toBe('hungry');
  });

  it('shows at the end the text that was no secret', () => {
    expect(maskAll(['hunter22'], ['hunter2'])).toBe('hunter2');
  });

  it('hides the longer of two secrets that begin alike', () => {
    expect(maskAll(['abcd', 'abcdef'], ['x abcd', 'ef y'])).toBe('x *** y');
  });

  it.each([
    ['broken over lines', 'the corre\nct horse\n  battery !', 'the *** !'],
    ['with spaces between', 'the correct horse  bat tery !', 'the *** !'],
    ['coloured in part', 'the correct \u001b[01;31mhorse\u001b[m battery !', 'the *** !'],
    ['folded with backslashes', 'the "correct horse\\\n  \\ battery" !', 'the "***" !'],
    ['folded between quotes', "the 'correct '\n 'horse battery' !", "the '***' !"],
    ['with a line end after its first letters', 'the co\nrrect horse battery !', 'the co\n*** !'],
  ])('hides a secret %s, however the text is cut', (_, text, shown) => {
    for (let cut = 0; cut <= text.length; cut += 1) {
      expect(maskAll(['correct horse battery'], [text.slice(0, cut), text.slice(cut)])).toBe(shown);
    }
  });

  it('does not keep a line back because its last letters begin a secret', () => {
    const masker = createMasking(['correct-horse-battery']).open();
    expect(masker.write('in the disco\n')).toBe('in the disco\n');
  });

  it('finds one of 10,000 secrets that begin alike', () => {
    const secrets = Array.from({ length: 10_000 }, (_, index) => `token-${index}-of-a-service`);
    const masker = createMasking(secrets);
    expect(masker.mask('a token-9999-of-a-service b token-10000-of-a-service')).toBe(
      'a *** b token-10000-of-a-service',
    );
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

  it('returns the same also with gaps within a secret', () => {
    const piece = fc.string({
      maxLength: 12,
      unit: fc.constantFrom('a', 'b', 'c', '\n', ' ', '\u001b[', '1', 'm', "'", '\\', '\r'),
    });
    fc.assert(
      fc.property(secretList, fc.array(piece), (secrets, pieces) => {
        expect(maskAll(secrets, pieces)).toBe(maskAll(secrets, [pieces.join('')]));
      }),
      { numRuns: 2000 },
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
