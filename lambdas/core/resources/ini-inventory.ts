/**
 * Checks static inventories by the rules of Ansible's `ini` plugin, by line and column. Accepts doubtful
 * text.
 */

interface Fault {
  /** Offset, from 0. */
  readonly at: number;
  readonly message: string;
}

interface Word {
  readonly text: string;
  readonly at: number;
}

/** Splits a line into words, like Python's `shlex.split(line, comments=True)`. */
const wordsOf = (line: string): readonly Word[] | Fault => {
  const words: Word[] = [];
  let word: Word | undefined;
  let quote: { readonly mark: string; readonly at: number } | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at);
    if (quote && char === quote.mark) quote = undefined;
    else if (char === '\\' && quote?.mark !== "'") {
      if (at + 1 === line.length) return { at, message: 'must be followed by what it escapes' };
      word = { text: `${word?.text ?? ''}${line.charAt(at + 1)}`, at: word?.at ?? at };
      at += 1;
    } else if (quote) word = { text: `${word?.text ?? ''}${char}`, at: word?.at ?? quote.at };
    else if (char === '#') break;
    else if (/[ \t]/.test(char)) {
      if (word) words.push(word);
      word = undefined;
    } else {
      const isMark = char === '"' || char === "'";
      if (isMark) quote = { mark: char, at };
      word = { text: `${word?.text ?? ''}${isMark ? '' : char}`, at: word?.at ?? at };
    }
  }
  if (quote) return { at: quote.at, message: `must be closed by another ${quote.mark}` };
  return word ? [...words, word] : words;
};

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Explains an invalid range `[begin:end]` or `[begin:end:step]` in a host's name. */
const rangeFault = (range: string): string | undefined => {
  const [begin = '', end, ...steps] = range.split(':');
  if (end === undefined || steps.length > 1) return 'must be a range such as [1:3] or [a:e:2]';
  if (end === '') return 'must name the end of the range';
  if (/^0./.test(begin) && begin.length !== end.length)
    return 'must have as many digits in its begin as in its end';
  const areLetters = [begin, end].map((bound) => /^[a-z]$/i.test(bound));
  if (areLetters[0] && areLetters[1] && letters.indexOf(begin) > letters.indexOf(end))
    return 'must begin before it ends';
  const isMixed = areLetters[0] !== areLetters[1] && [begin, end].some((bound) => /^\d+$/.test(bound));
  return isMixed ? 'must be a range of letters or of numbers' : undefined;
};

const hostFault = ({ text, at }: Word): Fault | undefined => {
  if (text === '---') return { at, message: 'begins YAML, not INI' };
  if (text.endsWith(':')) return { at: at + text.length - 1, message: 'must be followed by a port' };
  // Address in brackets with its port.
  if (/^\[.+\]:\d+$/.test(text)) return undefined;
  const open = text.indexOf('[');
  if (open < 0) return undefined;
  if (!text.includes(']')) return { at: at + open, message: 'must be closed by ]' };
  for (const match of text.matchAll(/\[([^[\]]*)\]/g)) {
    const message = rangeFault(match[1] ?? '');
    if (message) return { at: at + match.index, message };
  }
  return undefined;
};

const hostLineFault = (line: string): Fault | undefined => {
  const words = wordsOf(line);
  if ('message' in words) return words;
  const [host, ...variables] = words;
  const fault = host && hostFault(host);
  if (fault) return fault;
  const wrong = variables.find(({ text }) => !text.includes('='));
  return wrong && { at: wrong.at, message: 'must be a variable of the host, as in key=value' };
};

const header = /^\[([^:\]\s]+)(?::([\p{L}\p{N}_]+))?\]\s*(?:#.*)?$/u;
const headerFault = 'must be [group], [group:children] or [group:vars], without spaces';
const childLine = /^([^:\]\s]+)\s*(?:#.*)?$/;
const kinds = ['hosts', 'children', 'vars'];

const lineFault = (kind: string, line: string): Fault | undefined => {
  if (line.startsWith('[') && line.endsWith(']')) return { at: 0, message: headerFault };
  if (kind === 'vars') return line.includes('=') ? undefined : { at: 0, message: 'must be key=value' };
  if (kind === 'children') return childLine.test(line) ? undefined : { at: 0, message: 'must be a group' };
  if (/^\[[^\]]*$/.test(line)) return { at: line.length, message: 'must be closed by ]' };
  return hostLineFault(line);
};

/** Line ends of Python's splitlines. */
const lineEnds = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/;

/** Returns the first fault that Ansible certainly rejects; undefined when there is none. */
export const iniFault = (text: string): string | undefined => {
  let kind = 'hosts';
  const declared = new Set(['all', 'ungrouped']);
  const wanted: { readonly group: string; readonly place: string }[] = [];
  for (const [index, whole] of text.split(lineEnds).entries()) {
    const line = whole.trim();
    if (line === '' || /^[#;]/.test(line)) continue;
    const indent = whole.indexOf(line);
    const place = (at: number) => `line ${index + 1}, column ${indent + at + 1}`;
    const section = header.exec(line);
    if (section) {
      const [, group = '', suffix = 'hosts'] = section;
      kind = suffix;
      if (!kinds.includes(kind)) return `${place(group.length + 2)}: must be "children" or "vars"`;
      if (kind === 'vars') wanted.push({ group, place: place(1) });
      else declared.add(group);
      continue;
    }
    const fault = lineFault(kind, line);
    if (fault) return `${place(fault.at)}: ${fault.message}`;
    if (kind === 'children') wanted.push({ group: childLine.exec(line)?.[1] ?? '', place: place(0) });
  }
  const missing = wanted.find(({ group }) => !declared.has(group));
  return missing && `${missing.place}: the group "${missing.group}" is declared nowhere`;
};
