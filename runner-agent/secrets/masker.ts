/** Replaces secrets in a stream of text, also when a secret is split over two pieces. */

export interface Masker {
  /** Returns the text that is safe to show now. Text that may be the start of a secret is kept back. */
  write(text: string): string;
  /** Returns the rest at the end of the stream. */
  end(): string;
}

const mask = '***';
/**
 * Masks `secrets` (from secretForms). Secrets that touch or overlap are shown as one mask, so that the result
 * does not depend on how the text was split.
 */
export const createMasker = (secrets: readonly string[]): Masker => {
  const longest = secrets.reduce((length, secret) => Math.max(length, secret.length), 0);
  let kept = '';
  /** Length of the start of `kept` that belongs to an earlier secret. */
  let keptCovered = 0;
  let inMask = false;

  /** Start of the earliest tail of `text` that may grow into a secret. */
  const undecidedFrom = (text: string) => {
    let from = text.length;
    const tailFrom = Math.max(0, text.length - longest + 1);
    for (const secret of secrets) {
      const first = secret.charAt(0);
      const earliest = Math.max(tailFrom, text.length - secret.length + 1);
      for (let at = text.indexOf(first, earliest); at !== -1 && at < from; at = text.indexOf(first, at + 1)) {
        if (secret.startsWith(text.slice(at))) from = at;
      }
    }
    return from;
  };

  /** Ranges of `text` that secrets cover, in order. They may overlap. */
  const coveredIn = (text: string) => {
    const stretches: { from: number; to: number }[] = [];
    if (keptCovered > 0) stretches.push({ from: 0, to: keptCovered });
    for (const secret of secrets) {
      for (let at = text.indexOf(secret); at !== -1; at = text.indexOf(secret, at + 1)) {
        stretches.push({ from: at, to: at + secret.length });
      }
    }
    return stretches.sort((one, other) => one.from - other.from);
  };

  const show = (text: string, until: number) => {
    let shown = '';
    let at = 0;
    let coveredTo = 0;
    for (const { from, to } of coveredIn(text)) {
      coveredTo = Math.max(coveredTo, to);
      if (from >= until) break;
      if (from > at) {
        shown += text.slice(at, from);
        inMask = false;
      }
      if (!inMask && to > at) {
        shown += mask;
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
      if (longest === 0) return text;
      const all = kept + text;
      return show(all, undecidedFrom(all));
    },
    end: () => show(kept, kept.length),
  };
};

/** Masks a complete text. */
export const maskText = (text: string, secrets: readonly string[]): string => {
  const masker = createMasker(secrets);
  return masker.write(text) + masker.end();
};
