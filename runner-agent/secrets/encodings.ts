/** Encodings of a text that have other letters than the text: URL, base64, hex. */

/** Shortest part of a base64 text that is searched. */
const shortestPart = 8;

const percent = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('');

const urlForms = (text: string): string[] => {
  // A string cut within a surrogate pair has no URL form.
  if (!text.isWellFormed()) return [];
  const strict = encodeURIComponent(text).replaceAll(/[!'()*]/g, percent);
  const forms = [
    encodeURIComponent(text),
    encodeURI(text),
    new URLSearchParams([['', text]]).toString().slice(1),
    // As RFC 3986 has it, and as urllib of Python has it in a path and in a query.
    strict,
    strict.replaceAll('%2F', '/'),
    strict.replaceAll('%20', '+'),
  ];
  const inSmall = forms.map((form) => form.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
  return [...forms, ...inSmall];
};

/**
 * Base64 forms, also as a part of a longer text. Bytes before the secret shift it by none, one or two, and
 * the letters at both ends depend on them.
 */
const base64Forms = (bytes: Buffer): string[] => {
  const whole = bytes.toString('base64');
  const parts = [0, 1, 2].map((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
    const firstWhole = Math.ceil((shift * 8) / 6);
    return shifted.toString('base64').slice(firstWhole, Math.floor((shifted.length * 8) / 6));
  });
  const long = parts.filter((part) => part.length >= shortestPart);
  const forms = [whole, whole.replaceAll('=', ''), ...long];
  return [...forms, ...forms.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))];
};

const hexForms = (bytes: Buffer): string[] => {
  const whole = bytes.toString('hex');
  const forms = [whole, whole.replaceAll(/..(?=.)/g, '$&:')];
  return [...forms, ...forms.map((form) => form.toUpperCase())];
};

export const encodingsOf = (text: string): string[] => {
  const bytes = Buffer.from(text);
  return [
    ...urlForms(text),
    ...base64Forms(bytes),
    // PowerShell's -EncodedCommand.
    ...base64Forms(Buffer.from(text, 'utf16le')),
    ...hexForms(bytes),
  ];
};
