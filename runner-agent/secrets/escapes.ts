/** Ways in which shells, languages and file formats write a text between quotes, without the quotes. */

const lower = (code: number, digits: number) => code.toString(16).padStart(digits, '0');
const upper = (code: number, digits: number) => lower(code, digits).toUpperCase();
const codeOf = (character: string) => character.codePointAt(0) ?? 0;

/** Returns a function that puts a backslash before each character of the set. */
const backslash = (set: RegExp) => (text: string) => text.replaceAll(set, '\\$&');

const named = (names: Readonly<Record<string, string>>, others: (code: number) => string) => (text: string) =>
  names[text] ?? others(codeOf(text));

const commonNames = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };
const cNames = { ...commonNames, '\u0007': '\\a', '\b': '\\b', '\f': '\\f', '\v': '\\v' };

/** Bash and zsh: `set -x`, `set`, `%q` and `declare -p` (bash's lib/sh/shquote.c and strtrans.c). */
const shells: ((text: string) => string)[] = [
  (text) => text.replaceAll("'", "'\\''"),
  // dash, and shlex.quote of Python.
  (text) => text.replaceAll("'", `'"'"'`),
  (text) => text.replaceAll(/'+/g, `'"$&"'`),
  (text) => backslash(/[\s!"$&'()*,;<>?[\\\]^`{|}]/g)(text).replaceAll(/(?<=[:=])~/g, '\\~'),
  backslash(/["$\\`]/g),
  (text) =>
    text.replaceAll(
      /[\p{Cc}\\']/gu,
      named({ ...cNames, '\u001b': '\\E', "'": "\\'" }, (code) => `\\${code.toString(8).padStart(3, '0')}`),
    ),
];

const pythonEscape = named(commonNames, (code) => {
  if (code < 0x100) return `\\x${lower(code, 2)}`;
  return code < 0x10000 ? `\\u${lower(code, 4)}` : `\\U${lower(code, 8)}`;
});
const python = (text: string): string[] => {
  const bytes = [...Buffer.from(text)].map((byte) => String.fromCharCode(byte)).join('');
  const forms = [
    text.replaceAll(/[\p{Cc}\\]/gu, pythonEscape),
    text.replaceAll(/[\p{Cc}\\]|[^\0-\x7f]/gu, pythonEscape),
    bytes.replaceAll(/[\p{Cc}\\]|[^\0-\x7f]/gu, pythonEscape),
  ];
  // A text that has both kinds of quotes is between single ones.
  return forms.flatMap((form) => [form, form.replaceAll("'", "\\'")]);
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
/** PyYAML's double quotes; other libraries write JSON's escapes. */
const yaml = (text: string): string =>
  text.replaceAll(
    /[\p{Cc}\\"]|[^\0-\x7f]/gu,
    named(yamlNames, (code) => {
      if (code < 0x100) return `\\x${upper(code, 2)}`;
      return code < 0x10000 ? `\\u${upper(code, 4)}` : `\\U${upper(code, 8)}`;
    }),
  );

/** Returns the text in each of these ways. Many are equal when it has letters and digits only. */
export const escapesOf = (text: string): string[] => [
  ...shells.map((quote) => quote(text)),
  ...python(text),
  ...json(text),
  ...markup(text),
  yaml(text),
  // Single quotes of YAML, SQL and PowerShell; double ones of CSV and PowerShell; arguments on Windows.
  text.replaceAll("'", "''"),
  text.replaceAll('"', '""'),
  text.replaceAll(/["$`]/g, '`$&'),
  text.replaceAll('"', '\\"'),
  // Single quotes of JavaScript, Perl, PHP and Ruby.
  text.replaceAll(/['\\]/g, '\\$&'),
];
