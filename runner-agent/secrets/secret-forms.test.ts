import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMasking } from './masker.ts';
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
          const masker = createMasking(secretForms(secrets)).open();
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
    const masker = createMasking(secretForms(['correct-horse-battery'])).open();
    const header = Buffer.from('admin:correct-horse-battery').toString('base64');
    expect(masker.write(`Authorization: Basic ${header}\n`) + masker.end()).toMatch(
      /Basic YWRtaW46\*\*\*.{0,2}\n/,
    );
  });

  const hard = [
    `pa'ss w$rd`,
    'abc"def\\ghi',
    `it''s "both" & <tags> $x \`y\` !z #h ~t (a;b|c) {d} [e] *?^,=:~f`,
    'line one\nline\ttwo\u0002end',
    'Zoë=€uro/😀+end',
    'Zoë\u00a0no\u200bbreak\u0085',
    'a'.repeat(120),
    `${'long "words" \\ and ünicode, '.repeat(5)}end`,
  ];
  const shells = String.raw`
printf '%s\n' "$S" "${'$'}{S@Q}" "${'$'}{S@A}"; printf '%q\n' "$S"; declare -p S
printf %s "$S" | od -An -v -tx1; printf %s "$S" | od -An -v -tx1 | tr -d ' ' | tr a-f A-F
printf %s "$S" | base64; printf 'u:%s' "$S" | base64; printf 'me:%s' "$S" | base64
exec 2>&1; set -x; true "$S"; [[ - == "$S" ]]; set +x; sh -c 'export -p | grep -A9 " S="'
export LC_ALL=C; bash --norc -c 'printf "%q\n" "$S"; declare -p S; set -x; true "$S"'
`;
  const perl = `use Data::Dumper; for (0, 1) { $Data::Dumper::Useqq = $_; print Dumper($ENV{S}) }`;
  const node = 'console.log([process.env.S])';
  const python = `
import os, json, html, shlex, urllib.parse, base64, binascii, textwrap, pprint
s = os.environ['S']
for form in [repr(s), ascii(s), s.encode(), {1: s}, json.dumps(s), json.dumps(json.dumps(s)), html.escape(s),
    html.escape(s, False), shlex.quote(s), urllib.parse.quote(s), urllib.parse.quote_plus(s), urllib.parse.quote(s, ''),
    base64.urlsafe_b64encode(s.encode()), base64.b64encode(s.encode('utf-16-le')), binascii.hexlify(s.encode(), ':'),
    textwrap.fill('[WARNING]: it has ' + json.dumps(s), 40), pprint.pformat([s])]:
    print(form)
`;
  it.each([
    ['bash', ['--norc', '-c', shells]],
    ['python3', ['-c', python]],
    ['perl', ['-e', perl]],
    ['node', ['-e', node]],
  ])('are masked in all that %s prints', (program, args) => {
    for (const secret of hard) {
      const env = { PATH: process.env.PATH, LANG: 'C.UTF-8', S: secret };
      const output = execFileSync(program, args, { env, encoding: 'utf8' });
      const shown = createMasking(secretForms([secret])).mask(output);
      const rest = shown
        // Variables of sh.
        .replaceAll(/^(export )?(?!S=)\w+='[^*]*'$/gm, '')
        // The letters beside a secret within base64.
        .replaceAll(/[\w+/=]{0,5}\*\*\*[\w+/=]{0,2}/g, '')
        .replaceAll(
          /\+ true|\+ \[\[ - == |\]\]|\$VAR1 = |\+ set \+x|declare -[-x]+ |export |S=|\[WARNING\]:\s*it\s*has|\{1:|b(?=['"])|[[\];]/g,
          '',
        );
      expect(rest).toMatch(/^[\s'"$}\\]*$/);
    }
  });

  it.each([
    ['%q of Go', 'é\u00a0\u200b\u0007"x\\y\u0001', String.raw`"é\u00a0\u200b\a\"x\\y\x01"`, '"***"'],
    ['inspect of Ruby', '#{a} #$b # "c"', String.raw`"\#{a} \#$b # \"c\""`, '"***"'],
    ['to_nice_yaml of Ansible', 'Zoë "😀"', String.raw`p: "Zoë \"\U0001F600\""`, 'p: "***"'],
    [
      'PyYAML in the middle of an escape',
      'one "two" ünicode\\n three',
      'p: "one \\"two\\"\\\n  \\ \\xFCnicode\\\\\\\n  n three"',
      'p: "***"',
    ],
    ['pprint of Python', 'one\\n two three', "{'p': 'one\\\\n '\n      'two three'}", "{'p': '***'}"],
  ])('are masked as written by %s, however the output is cut', (_, secret, printed, shown) => {
    for (let cut = 0; cut <= printed.length; cut += 1) {
      const masker = createMasking(secretForms([secret])).open();
      const pieces = [printed.slice(0, cut), printed.slice(cut)];
      expect(pieces.map((piece) => masker.write(piece)).join('') + masker.end()).toBe(shown);
    }
  });
});
