import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMasker } from './masker.ts';
import { secretForms } from './secret-forms.ts';

/** Ways in which the property test writes a secret into an output. */
const disguises: Record<string, (secret: string) => string> = {
  plain: (secret) => secret,
  'in quotes': (secret) => JSON.stringify(secret),
  'URL-encoded': (secret) => `https://x/?q=${encodeURIComponent(secret)}`,
  'as a form': (secret) => new URLSearchParams({ q: secret }).toString(),
  base64: (secret) => Buffer.from(secret).toString('base64'),
  base64url: (secret) => Buffer.from(secret).toString('base64url'),
  'base64 of echo': (secret) => Buffer.from(`${secret}\n`).toString('base64'),
  'basic authorisation': (secret) => Buffer.from(`admin:${secret}@host`).toString('base64'),
  'base64 in lines': (secret) =>
    (
      Buffer.from(secret)
        .toString('base64')
        .match(/.{1,76}/g) ?? []
    ).join('\n'),
  'line by line': (secret) =>
    secret
      .split('\n')
      .map((line) => `> ${line}`)
      .join('\n'),
};

const oneLine = fc.string({ minLength: 8, maxLength: 40 }).filter((text) => text.trim().length >= 8);
const secret = fc.oneof(
  oneLine,
  fc.array(oneLine, { minLength: 2, maxLength: 5 }).map((lines) => lines.join('\n')),
);

/** Text that must not be found: the secret, its long lines, and both in base64 and URL-encoded. */
const traces = (given: string): string[] =>
  [given, ...given.split('\n').map((line) => line.trim())]
    .filter((text) => text.length >= 8)
    .flatMap((text) => [
      text,
      Buffer.from(text).toString('base64').replaceAll('=', ''),
      encodeURIComponent(text),
    ]);

describe('secrets in a log', () => {
  it('are found in none of 1,000 outputs, in no form, wherever the output is cut', () => {
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(2), fc.constantFrom(...Object.values(disguises)), fc.string()), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
        (secrets, uses, cuts) => {
          const output = uses
            .map(
              ([index, disguise, between]) =>
                `${between} ${disguise(secrets[index % secrets.length] ?? '')}\n`,
            )
            .join('');
          const masker = createMasker(secretForms(secrets));
          const at = [0, ...cuts.map((cut) => Math.floor(cut * output.length)), output.length].sort(
            (a, b) => a - b,
          );
          const pieces = at.slice(1).map((to, index) => output.slice(at[index], to));
          const shown = pieces.map((piece) => masker.write(piece)).join('') + masker.end();
          for (const trace of secrets.flatMap(traces)) expect(shown).not.toContain(trace);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('are known trimmed, line by line and escaped as JSON, but not when they are too short', () => {
    const forms = secretForms(['first line\nsecond line\nab\n', 'abc', '']);
    expect(forms).toEqual(
      expect.arrayContaining([
        'first line\nsecond line\nab\n',
        'first line\nsecond line\nab',
        'first line',
        'second line',
        'first line\\nsecond line\\nab\\n',
      ]),
    );
    expect(forms).not.toContain('ab');
    expect(forms).not.toContain('abc');
  });

  it('are masked in base64 within a longer text, except the letters at its ends', () => {
    const masker = createMasker(secretForms(['correct-horse-battery']));
    const header = Buffer.from('admin:correct-horse-battery').toString('base64');
    expect(masker.write(`Authorization: Basic ${header}\n`) + masker.end()).toMatch(
      /Basic YWRtaW46\*\*\*.{0,2}\n/,
    );
  });
});
