/** Forms in which a secret may appear in a log: plain, by line, escaped, URL-encoded, in base64. */

/**
 * Shortest secret that is masked. Masking shorter values would remove ordinary text, and reveal them by that.
 */
const shortestSecret = 4;
/** Shortest line of a secret (a key printed line by line) or part of its base64 that is masked too. */
const shortestPart = 8;
/** Line lengths of `base64` (GNU coreutils) and `openssl base64`. */
const lineLengths = [76, 64];

const urlForms = (text: string): string[] => {
  // A string cut within a surrogate pair has no URL form.
  if (!text.isWellFormed()) return [];
  const forms = [
    encodeURIComponent(text),
    encodeURI(text),
    new URLSearchParams([['', text]]).toString().slice(1),
  ];
  const inSmall = forms.map((form) => form.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
  return [...forms, ...inSmall];
};

const wrapped = (base64: string): string[] =>
  lineLengths.flatMap((length) =>
    base64.length > length ? (base64.match(new RegExp(`.{${shortestPart},${length}}`, 'g')) ?? []) : [],
  );

/**
 * Base64 forms, also as a part of a longer text. Bytes before the secret shift it by none, one or two, and
 * the letters at both ends depend on them.
 */
const base64Forms = (text: string): string[] => {
  const whole = Buffer.from(text).toString('base64');
  const parts = [0, 1, 2].map((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)]);
    const firstWhole = Math.ceil((shift * 8) / 6);
    return bytes.toString('base64').slice(firstWhole, Math.floor((bytes.length * 8) / 6));
  });
  const long = parts.filter((part) => part.length >= shortestPart);
  const forms = [whole, whole.replaceAll('=', ''), ...long, ...wrapped(whole)];
  return [...forms, ...forms.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))];
};

/** Returns all forms that have to be masked for these secrets. */
export const secretForms = (secrets: Iterable<string>): string[] => {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret.trim().length < shortestSecret) continue;
    const lines = secret.split(/\r?\n/).map((line) => line.trim());
    const parts = lines.length > 1 ? lines.filter((line) => line.length >= shortestPart) : [];
    const texts = [secret, secret.trim(), ...parts];
    for (const text of texts) forms.add(text);
    // Programs that encode their input often include the line end.
    for (const text of [...texts, `${secret.trim()}\n`]) {
      for (const form of [JSON.stringify(text).slice(1, -1), ...urlForms(text), ...base64Forms(text)]) {
        if (form.length >= shortestSecret) forms.add(form);
      }
    }
  }
  return [...forms];
};
