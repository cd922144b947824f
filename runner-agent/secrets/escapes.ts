/** Ways in which shells, languages and file formats write a text between quotes, without the quotes. */

const lower = (code: number, digits: number) => code.toString(16).padStart(digits, '0');
const upper = (code: number, digits: number) => lower(code, digits).toUpperCase();
const octal = (code: number) => `\\${code.toString(8).padStart(3, '0')}`;
const octalBytes = (code: number) => [...Buffer.from(String.fromCodePoint(code))].map(octal).join('');
const codeOf = (character: string) => character.codePointAt(0) ?? 0;
/** Writes each byte of the text in UTF-8 as a letter. */
const bytesOf = (text: string) => Buffer.from(text).toString('latin1');

/** Returns a function that puts a backslash before each character of the set. */
const backslash = (set: RegExp) => (text: string) => text.replaceAll(set, '\\$&');

const named = (names: Readonly<Record<string, string>>, others: (code: number) => string) => (text: string) =>
  names[text] ?? others(codeOf(text));

const commonNames = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };
const cNames = { ...commonNames, '\u0007': '\\a', '\b': '\\b', '\f': '\\f', '\v': '\\v' };

const bashNames = { ...cNames, '\u001b': '\\E', "'": "\\'" };

/** Bash and zsh: `set -x`, `set`, `%q` and `declare -p` (bash's lib/sh/shquote.c and strtrans.c). */
const shells: ((text: string) => string)[] = [
  (text) => text.replaceAll("'", "'\\''"),
  // dash, and shlex.quote of Python.
  (text) => text.replaceAll("'", `'"'"'`),
  (text) => text.replaceAll(/'+/g, `'"$&"'`),
  (text) => backslash(/[\s!"$&'()*,;<>?[\\\]^`{|}]/g)(text).replaceAll(/(?<=[:=])~/g, '\\~'),
  backslash(/["$\\`]/g),
  (text) => text.replaceAll(/[\p{Cc}\\']/gu, named(bashNames, octalBytes)),
  // In the locale C.
  (text) => bytesOf(text).replaceAll(/[\p{Cc}\\']|[^\0-\x7f]/gu, named(bashNames, octal)),
  // `[[ … == "$S" ]]` under `set -x`: all letters, as none is to be a pattern.
  backslash(/./gsu),
];

const perlNames = { ...commonNames, '\u0007': '\\a', '\b': '\\b', '\f': '\\f', '\u001b': '\\e' };
/** Perl's Data::Dumper with Useqq: no more octal digits than needed. */
const perl = (text: string): string =>
  backslash(/["$@\\]/g)(bytesOf(text))
    .replaceAll(
      /[\p{Cc}\x80-\xff](?!\d)/gu,
      named(perlNames, (code) => `\\${code.toString(8)}`),
    )
    .replaceAll(/[\p{Cc}\x80-\xff]/gu, named(perlNames, octal));

/** Languages write by its number what is no letter, digit, sign or plain space. */
const unprintable = /(?! )[\p{C}\p{Z}]/gu;

const inHex = (code: number, below: number) => {
  if (code < below) return `\\x${lower(code, 2)}`;
  return code < 0x10000 ? `\\u${lower(code, 4)}` : `\\U${lower(code, 8)}`;
};

const pythonEscape = named(commonNames, (code) => inHex(code, 0x100));
const python = (text: string): string[] => {
  const forms = [
    text.replaceAll('\\', pythonEscape).replaceAll(unprintable, pythonEscape),
    text.replaceAll(/[\p{Cc}\\]|[^\0-\x7f]/gu, pythonEscape),
    bytesOf(text).replaceAll(/[\p{Cc}\\]|[^\0-\x7f]/gu, pythonEscape),
  ];
  // A text that has both kinds of quotes is between single ones.
  return forms.flatMap((form) => [form, form.replaceAll("'", "\\'")]);
};

/** Go's %q and %+q. */
const goEscape = named({ ...cNames, '"': '\\"' }, (code) => inHex(code, 0x80));
const go = (text: string): string[] => [
  text.replaceAll(/["\\]/g, goEscape).replaceAll(unprintable, goEscape),
  text.replaceAll(/[\p{Cc}"\\]|[^\0-\x7f]/gu, goEscape),
];

/** Node's util.inspect. */
const nodeNames = { ...commonNames, '\b': '\\b', '\f': '\\f', '\v': '\\v' };
const node = (text: string): string[] => {
  const form = text.replaceAll(
    /[\p{Cc}\\]/gu,
    named(nodeNames, (code) => `\\x${upper(code, 2)}`),
  );
  return [form, form.replaceAll("'", "\\'")];
};

const jsonEscape = (character: string) => `\\u${lower(codeOf(character), 4)}`;
const json = (text: string): string[] => {
  const plain = JSON.stringify(text).slice(1, -1);
  const forms = [
    plain,
    // Python (ensure_ascii) and jq -a, PHP, Go, and System.Text.Json of .NET.
    plain.replaceAll(/[^\0-\x7e]/g, jsonEscape),
    plain.replaceAll(/[^\0-\x7e]/g, jsonEscape).replaceAll('/', '\\/'),
    plain.replaceAll(/[<>&\u2028\u2029]/g, jsonEscape),
    plain
      .replaceAll('\\"', '\\u0022')
      .replaceAll(/[^\0-\x7e]|[<>&'+`]/g, (character) => `\\u${upper(codeOf(character), 4)}`),
  ];
  // Also as a JSON text within another.
  return [...forms, ...forms.map((form) => JSON.stringify(form).slice(1, -1))];
};

const markup = (text: string): string[] => {
  const tags = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const double = tags.replaceAll('"', '&quot;');
  return [
    tags,
    double,
    ...['&#39;', '&#039;', '&#x27;', '&apos;'].map((one) => double.replaceAll("'", one)),
    // Go's html package.
    tags.replaceAll('"', '&#34;').replaceAll("'", '&#39;'),
  ];
};

const yamlNames = {
  ...cNames,
  '\0': '\\0',
  '"': '\\"',
  '\u001b': '\\e',
  '\u0085': '\\N',
  '\u00a0': '\\_',
  '\u2028': '\\L',
  '\u2029': '\\P',
};
const yamlEscape = named(yamlNames, (code) => {
  if (code < 0x100) return `\\x${upper(code, 2)}`;
  return code < 0x10000 ? `\\u${upper(code, 4)}` : `\\U${upper(code, 8)}`;
});
/** PyYAML's double quotes, also with allow_unicode; other libraries write JSON's escapes. */
const yaml = (text: string): string[] => [
  text.replaceAll(/[\p{Cc}\\"]|[^\0-\x7f]/gu, yamlEscape),
  text.replaceAll(/[\p{Cc}\\"\u2028\u2029\ufeff]|[^\0-\uffff]/gu, yamlEscape),
];

/** Returns the text in each of these ways. Many are equal when it has letters and digits only. */
export const escapesOf = (text: string): string[] => [
  ...shells.map((quote) => quote(text)),
  ...python(text),
  ...json(text),
  ...markup(text),
  perl(text),
  ...go(text),
  ...node(text),
  ...yaml(text),
  // Single quotes of YAML, SQL and PowerShell; double ones of CSV and PowerShell; arguments on Windows.
  text.replaceAll("'", "''"),
  text.replaceAll('"', '""'),
  text.replaceAll(/["$`]/g, '`$&'),
  text.replaceAll('"', '\\"'),
  // Double quotes of Ruby.
  text.replaceAll(/["\\]|#(?=[{$@])/g, '\\$&'),
  // Single quotes of JavaScript, Perl, PHP and Ruby.
  text.replaceAll(/['\\]/g, '\\$&'),
];
