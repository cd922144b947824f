/** Finds many words in a text. The time depends on the text and the finds, not on the number of words. */
import { groupByKey, keyLength, matchAt, treeOf } from './words.ts';

/** Range of indices, `to` exclusive. */
export interface Range {
  from: number;
  to: number;
}

export interface Found {
  /** Occurrences of words, in the order of `from`. They may overlap. */
  words: Range[];
  /** Starts of the tails of the text that may grow into a word, in order. */
  starts: number[];
}

export interface Matcher {
  find(text: string): Found;
}

const hashBits = 16;
const mask = (1 << hashBits) - 1;
/** Adds a letter to the hash of the letters before it. It forgets the one that is four letters back. */
const roll = (hash: number, letter: number) => ((hash << (hashBits / keyLength)) ^ letter) & mask;

/** Looks words of at least 4 UTF-16 code units up by their first ones. */
export const createMatcher = (words: Iterable<string>): Matcher => {
  const byKey = new Map([...groupByKey(words, 0)].map(([key, alike]) => [key, treeOf(alike)]));
  const heads = new Set<string>();
  /** Marks the hashes of keys. It rules out nearly all places of a text. */
  const isKeyHash = new Uint8Array(mask + 1);

  for (const key of byKey.keys()) {
    let hash = 0;
    for (let at = 0; at < keyLength; at += 1) hash = roll(hash, key.charCodeAt(at));
    isKeyHash[hash] = 1;
    for (let length = 1; length < keyLength; length += 1) heads.add(key.slice(0, length));
  }

  const lookAt = (text: string, at: number, found: Found) => {
    const alike = byKey.get(text.slice(at, at + keyLength));
    if (!alike) return;
    const { lengths, mayGrow } = matchAt(text, at, alike);
    for (const length of lengths) found.words.push({ from: at, to: at + length });
    if (mayGrow) found.starts.push(at);
  };

  return {
    find: (text) => {
      const found: Found = { words: [], starts: [] };
      if (byKey.size === 0) return found;
      let hash = 0;
      for (let at = 0; at < text.length; at += 1) {
        hash = roll(hash, text.charCodeAt(at));
        if (isKeyHash[hash] === 1 && at >= keyLength - 1) lookAt(text, at - keyLength + 1, found);
      }
      for (let at = Math.max(0, text.length - keyLength + 1); at < text.length; at += 1) {
        if (heads.has(text.slice(at))) found.starts.push(at);
      }
      return found;
    },
  };
};
