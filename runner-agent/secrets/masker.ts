/** Replaces secrets in a stream of text, also when a secret is split over two pieces. */
import { createLooseMatcher } from './loose-matcher.ts';
import { createMatcher, type Found, type Range } from './matcher.ts';

export interface Masker {
  /** Returns the text that is safe to show now. Text that may be the start of a secret is kept back. */
  write(text: string): string;
  /** Returns the rest at the end of the stream. */
  end(): string;
}

export interface Masking {
  /** Starts the masking of a stream. */
  open(): Masker;
  /** Masks a complete text. */
  mask(text: string): string;
}

const mark = '***';

const open = (find: (text: string) => Found): Masker => {
  let kept = '';
  /** Length of the start of `kept` that belongs to an earlier secret. */
  let keptCovered = 0;
  let inMask = false;

  const show = (text: string, words: readonly Range[], until: number) => {
    let shown = '';
    let at = 0;
    let coveredTo = keptCovered;
    const covered = keptCovered > 0 ? [{ from: 0, to: keptCovered }, ...words] : words;
    for (const { from, to } of covered) {
      if (from >= until) break;
      coveredTo = Math.max(coveredTo, to);
      if (from > at) {
        shown += text.slice(at, from);
        inMask = false;
      }
      if (!inMask && to > at) {
        shown += mark;
        inMask = true;
      }
      at = Math.max(at, Math.min(to, until));
    }
    if (at < until) {
      shown += text.slice(at, until);
      inMask = false;
    }
    kept = text.slice(until);
    keptCovered = Math.max(0, coveredTo - until);
    return shown;
  };

  return {
    write: (text) => {
      const all = kept + text;
      const { words, starts } = find(all);
      return show(all, words, Math.min(all.length, ...starts.slice(0, 1)));
    },
    end: () => show(kept, find(kept).words, kept.length),
  };
};

/**
 * Masks `secrets` (from secretForms). Secrets that touch or overlap are shown as one mask, so that the result
 * does not depend on how the text was split.
 */
export const createMasking = (secrets: readonly string[]): Masking => {
  const loose = createLooseMatcher(secrets);
  const exact = createMatcher(secrets.filter((secret) => !loose.covers(secret)));

  const find = (text: string): Found => {
    const found = [exact.find(text), loose.find(text)];
    return {
      words: found.flatMap(({ words }) => words).sort((one, other) => one.from - other.from),
      starts: found.flatMap(({ starts }) => starts).sort((one, other) => one - other),
    };
  };

  return {
    open: () => open(find),
    mask: (text) => {
      const masker = open(find);
      return masker.write(text) + masker.end();
    },
  };
};
