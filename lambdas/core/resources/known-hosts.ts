/** Checks lines of known_hosts by the rules of sshd(8), by line and column. */

/** Reads the algorithm that the key itself names; undefined when the text is no key. */
const algorithmIn = (base64: string): string | undefined => {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  const length = bytes.length < 4 ? bytes.length : bytes.readUInt32BE(0);
  return bytes.length < 4 + length ? undefined : bytes.subarray(4, 4 + length).toString('latin1');
};

/** Explains why ssh would ignore the line. */
const lineFault = (line: string): { readonly column: number; readonly message: string } | undefined => {
  const fields = [...line.matchAll(/\S+/g)].map((match) => ({ text: match[0], column: match.index + 1 }));
  const [first] = fields;
  if (!first || first.text.startsWith('#')) return undefined;
  const isMarked = first.text.startsWith('@');
  if (isMarked && !['@cert-authority', '@revoked'].includes(first.text))
    return { column: first.column, message: 'must be @cert-authority or @revoked' };
  const [hosts, algorithm, key] = fields.slice(isMarked ? 1 : 0);
  if (!hosts || !algorithm || !key)
    return { column: line.length + 1, message: 'must have the host, the type of its key, and the key' };
  const known = algorithmIn(key.text);
  if (known === undefined) return { column: key.column, message: 'must be a key in base64, copied whole' };
  if (known !== algorithm.text)
    return { column: algorithm.column, message: `is another type than that of the key, ${known}` };
  return undefined;
};

/** Returns the fault of the first line that ssh would ignore; undefined when there is none. */
export const knownHostsFault = (text: string): string | undefined => {
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const fault = lineFault(line);
    if (fault) return `line ${index + 1}, column ${fault.column}: ${fault.message}`;
  }
  return undefined;
};
