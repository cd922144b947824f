/** Words that begin alike, in a tree: a text is compared with few of them, however many there are. */

/** Letters by which words are looked up. */
export const keyLength = 4;

/** Most words that are compared one by one. */
const few = 8;

interface Branch {
  /** Common start of all words. */
  prefix: string;
  /** Words that have less than a key after the prefix. */
  ends: string[];
  /** The others, by the key after the prefix. */
  next: Map<string, Words>;
}

export type Words = string[] | Branch;

const commonPrefix = ([first = '', ...others]: readonly string[]): string => {
  let length = first.length;
  for (const other of others) {
    length = Math.min(length, other.length);
    for (let at = 0; at < length; at += 1) if (first[at] !== other[at]) length = at;
  }
  return first.slice(0, length);
};

export const groupByKey = (words: Iterable<string>, from: number): Map<string, string[]> => {
  const groups = new Map<string, string[]>();
  for (const word of words) {
    const key = word.slice(from, from + keyLength);
    const alike = groups.get(key);
    if (alike) alike.push(word);
    else groups.set(key, [word]);
  }
  return groups;
};

export const treeOf = (words: string[]): Words => {
  if (words.length <= few) return words;
  const prefix = commonPrefix(words);
  const isEnd = (word: string) => word.length < prefix.length + keyLength;
  const groups = groupByKey(
    words.filter((word) => !isEnd(word)),
    prefix.length,
  );
  const next = new Map([...groups].map(([key, alike]) => [key, treeOf(alike)]));
  return { prefix, ends: words.filter(isEnd), next };
};

export interface Match {
  /** Lengths of the words at this place. */
  lengths: number[];
  /** True when the rest of the text may grow into a word. */
  mayGrow: boolean;
}

/** Compares the text at a place with the words. */
export const matchAt = (text: string, at: number, tree: Words): Match => {
  const match: Match = { lengths: [], mayGrow: false };
  const rest = text.length - at;
  const compare = (word: string) => {
    if (word.length > rest) match.mayGrow ||= word.startsWith(text.slice(at));
    else if (text.startsWith(word, at)) match.lengths.push(word.length);
  };
  let words: Words | undefined = tree;
  while (words && !Array.isArray(words)) {
    const { prefix, ends, next }: Branch = words;
    if (rest < prefix.length) {
      match.mayGrow ||= prefix.startsWith(text.slice(at));
      return match;
    }
    if (!text.startsWith(prefix, at)) return match;
    for (const word of ends) compare(word);
    const key = text.slice(at + prefix.length, at + prefix.length + keyLength);
    if (key.length < keyLength) match.mayGrow ||= [...next.keys()].some((one) => one.startsWith(key));
    words = next.get(key);
  }
  for (const word of words ?? []) compare(word);
  return match;
};
