/** Forms in which a secret may appear in a log: plain, by line, escaped, encoded. */
import { encodingsOf } from './encodings.ts';
import { escapesOf } from './escapes.ts';

/**
 * Shortest secret that is masked. Masking shorter values would remove ordinary text, and reveal them by that.
 */
const shortestSecret = 4;
/** Shortest line of a secret (a key printed line by line) that is masked too. */
const shortestLine = 8;

/** A value that was pasted with quotes, which a program may take off. */
const withoutQuotes = (text: string): string[] => {
  const [, inner] = /^"(.*)"$/s.exec(text) ?? [];
  return inner === undefined ? [] : [inner];
};

const encodedForms = (text: string): string[] => [...escapesOf(text), ...encodingsOf(text)];

/** Returns all forms that have to be masked for these secrets. */
export const secretForms = (secrets: Iterable<string>): string[] => {
  const forms = new Set<string>();
  for (const secret of secrets) {
    const trimmed = secret.trim();
    if (trimmed.length < shortestSecret) continue;
    const lines = secret.split(/\r?\n/).map((line) => line.trim());
    const parts = lines.length > 1 ? lines.filter((line) => line.length >= shortestLine) : [];
    const texts = new Set([secret, trimmed, ...withoutQuotes(trimmed), ...parts]);
    // Programs that encode their input often include the line end.
    const withEnd = encodedForms(`${trimmed}\n`).filter((form) => !form.endsWith('\n'));
    for (const form of [...texts, ...[...texts].flatMap(encodedForms), ...withEnd]) {
      if (form.length >= shortestSecret) forms.add(form);
    }
  }
  return [...forms];
};
