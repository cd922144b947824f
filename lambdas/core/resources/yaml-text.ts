/**
 * Checks YAML that Ansible reads, by line and column. Ansible reads by libyaml, which takes more than YAML 1.2 allows: text is refused
 * only where both refuse it. ansible-text.test.ts compares with Ansible where it is installed.
 */
import { type Document, isCollection, isMap, isSeq, LineCounter, parseDocument, visit } from 'yaml';

export type YamlRoot = 'a map of groups' | 'a list of plays';

interface Fault {
  readonly at: number;
  readonly message: string;
}

/** Ansible tries JSON first, decrypts a file that is a vault as a whole, and ignores an empty one. */
const isOtherThanYaml = (text: string): boolean => {
  if (text.startsWith('$ANSIBLE_VAULT;')) return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** A bracket or quote that is continued with too little indentation is an error of the parser, and none for libyaml. */
const mayBeClosedLater = (text: string, { at, message }: Fault): boolean => {
  const closing = /^Missing closing (["'])quote|^Flow .* end with a ([\]}])$/.exec(message);
  return closing !== null && text.includes(closing[1] ?? closing[2] ?? '', at);
};

/** The key of `{{ name }}` without quotes: a map, which no Python dictionary can have as its key. */
const collectionKey = (document: Document): Fault | undefined => {
  let fault: Fault | undefined;
  visit(document, {
    Pair: (_, { key }) => {
      if (!isCollection(key)) return undefined;
      fault = { at: key.range?.[0] ?? 0, message: 'a map or a list is no key: put {{ … }} in quotes' };
      return visit.BREAK;
    },
  });
  return fault;
};

/** The parser recurses, and reports its own RangeError as an error of the text. */
const messageOf = ({ code, message }: Document['errors'][number]): string => {
  if (code === 'MULTIPLE_DOCS') return 'must be one document';
  return /call stack/.test(message) ? 'is nested too deeply' : message;
};

const firstFault = (document: Document, text: string, root: YamlRoot): Fault | undefined => {
  const [error] = document.errors;
  if (error) {
    const message = messageOf(error);
    // The parser names the end of the line before where an indentation is wrong.
    const skipped = text.slice(error.pos[0]).search(/\S/);
    const fault = { at: error.pos[0] + Math.max(skipped, 0), message };
    return mayBeClosedLater(text, fault) ? undefined : fault;
  }
  const { contents } = document;
  const isRight = root === 'a list of plays' ? isSeq(contents) : isMap(contents);
  if (contents === null || !('range' in contents) || isRight) return collectionKey(document);
  return { at: contents.range?.[0] ?? 0, message: `must be ${root}` };
};

/** What Ansible surely refuses in the text; undefined when nothing is. */
export const yamlFault = (text: string, root: YamlRoot): string | undefined => {
  if (isOtherThanYaml(text)) return undefined;
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      version: '1.1',
      strict: false,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
      lineCounter: lines,
    });
    const fault = firstFault(document, text, root);
    if (!fault) return undefined;
    const { line, col } = lines.linePos(fault.at);
    return `line ${line}, column ${col}: ${fault.message}`;
  } catch (error) {
    if (error instanceof RangeError) return 'is nested too deeply';
    throw error;
  }
};
