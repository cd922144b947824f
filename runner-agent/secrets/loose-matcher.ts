/** Finds secrets that a program has broken over lines, spaced out, or coloured in part. */
import { createMatcher, type Found, type Range } from './matcher.ts';

/** Shortest secret without its spaces that is found so. */
const shortestLoose = 8;
/** Least letters before a line end: a line is not kept back because its last letter begins a secret. */
const shortestHead = 4;

const escapeCode = '\u001b';
/** White space, and the colours of terminals (ECMA-48, SGR and EL). */
const gap = new RegExp(`\\s+|${escapeCode}\\[[\\d;]*[mK]`, 'g');
/** Escape sequence that the next piece may complete. */
const openEscape = new RegExp(`${escapeCode}(?:\\[[\\d;]{0,32})?$`);

/**
 * Line ends within quotes: a backslash before the line end and one before a space that follows (YAML 1.2,
 * 7.3.1; shells), or a quote that ends and begins again (pprint of Python, util.inspect of Node).
 */
const fold = new RegExp(String.raw`\\\r?\n[ \t]*(?:\\(?= ))?|["'](?: \+)?\r?\n[ \t]*["']|${gap.source}`, 'g');
const foldStart = String.raw`(?:\\|["'](?: \+)?)\r?\n`;
const hasFold = new RegExp(foldStart);
/** End of a piece that the next one may complete to such a fold. A fold may precede it. */
const openFold = new RegExp(
  String.raw`(?:${foldStart}[ \t]{0,200})?(?:\\|["'](?: \+?)?)\r?$|${foldStart}[ \t]{0,200}$`,
);

/** Returns the text without its gaps, and a function that returns the index of a letter in the text. */
const dense = (text: string, gap: RegExp) => {
  const letters = text.replaceAll(gap, '');
  let indices: Uint32Array | undefined;
  const locate = () => {
    const located = new Uint32Array(letters.length);
    let next = 0;
    let from = 0;
    const take = (to: number) => {
      for (let at = from; at < to; at += 1) located[next++] = at;
    };
    for (const { 0: found, index } of text.matchAll(gap)) {
      take(index);
      from = index + found.length;
    }
    take(text.length);
    return located;
  };
  return {
    letters,
    indexOf: (at: number): number => {
      indices ??= locate();
      return indices[at] ?? text.length;
    },
  };
};

export interface LooseMatcher {
  /** Returns true when the form is found without its gaps. */
  covers(form: string): boolean;
  find(text: string): Found;
}

export const createLooseMatcher = (forms: Iterable<string>): LooseMatcher => {
  const words = new Set<string>();
  for (const form of forms) {
    const word = form.replaceAll(gap, '');
    // Also without its first letters, in case a line ends after them.
    for (let cut = 0; cut < shortestHead && word.length - cut >= shortestLoose; cut += 1)
      words.add(word.slice(cut));
  }
  const matcher = createMatcher(words);

  /** Finds words in the text without its gaps. Without `open` at its end, which may become a gap. */
  const findBetween = (gaps: RegExp, text: string, open: RegExpExecArray | null): Found => {
    const { letters, indexOf } = dense(open ? text.slice(0, open.index) : text, gaps);
    const found = matcher.find(letters);
    /** Returns false when the line ends after fewer letters than `shortestHead`. */
    const hasHead = (at: number, to: number) => {
      const from = indexOf(at);
      const lineEnd = text.indexOf('\n', from);
      return lineEnd === -1 || lineEnd >= to || indexOf(at + shortestHead - 1) < lineEnd;
    };
    const ranges: Range[] = [];
    for (const { from, to } of found.words) {
      const end = indexOf(to - 1) + 1;
      if (hasHead(from, end)) ranges.push({ from: indexOf(from), to: end });
    }
    return { words: ranges, starts: found.starts.filter((at) => hasHead(at, text.length)).map(indexOf) };
  };

  return {
    covers: (form) => form.length >= shortestLoose && !/\s/.test(form) && !form.includes(escapeCode),
    find: (text) => {
      if (words.size === 0) return { words: [], starts: [] };
      const inEscape = openEscape.exec(text);
      const spaced = findBetween(gap, text, inEscape);
      if (inEscape) spaced.starts.push(inEscape.index);
      const inFold = openFold.exec(text);
      if (!inFold && !hasFold.test(text)) return spaced;
      const folded = findBetween(fold, text, inFold ?? inEscape);
      return {
        words: [...spaced.words, ...folded.words],
        starts: [...spaced.starts, ...folded.starts],
      };
    },
  };
};
