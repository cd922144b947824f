/**
 * Checks YAML that Ansible reads, by line and column. Ansible uses libyaml, which accepts more than YAML 1.2.
 * Text is rejected only where both reject it. ansible-text.test.ts compares with Ansible where it is
 * installed.
 */
import { type Document, isCollection, isMap, isSeq, LineCounter, parseDocument, visit } from 'yaml';

export type YamlRoot = 'a map of groups' | 'a list of plays';

interface Fault {
  readonly at: number;
  readonly message: string;
}

/** Ansible tries JSON first, decrypts a file that is a vault in full, and ignores an empty one. */
const isOtherThanYaml = (text: string): boolean => {
  if (text.startsWith('$ANSIBLE_VAULT;')) return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/**
 * A bracket or quote that continues with too little indentation is an error of the parser, but not for
 * libyaml.
 */
const mayBeClosedLater = (text: string, { at, message }: Fault): boolean => {
  const closing = /^Missing closing (["'])quote|^Flow .* end with a ([\]}])$/.exec(message);
  return closing !== null && text.includes(closing[1] ?? closing[2] ?? '', at);
};

/** Finds the key of an unquoted `{{ name }}`: a map, which cannot be a key in a Python dictionary. */
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
    // For a wrong indentation the parser names the end of the line before.
    const skipped = text.slice(error.pos[0]).search(/\S/);
    const fault = { at: error.pos[0] + Math.max(skipped, 0), message };
    return mayBeClosedLater(text, fault) ? undefined : fault;
  }
  const { contents } = document;
  const isRight = root === 'a list of plays' ? isSeq(contents) : isMap(contents);
  if (contents === null || !('range' in contents) || isRight) return collectionKey(document);
  return { at: contents.range?.[0] ?? 0, message: `must be ${root}` };
};

/** Returns the first fault that Ansible certainly rejects; undefined when there is none. */
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
