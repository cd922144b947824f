/**
 * Size of an item in DynamoDB, by the rules for billing and limits:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */

/** Maximum size of an item in DynamoDB. */
const maxItemBytes = 400 * 1024;
/**
 * Maximum size of a new item, and of an update that a person makes. The rest is room for later additions of
 * the control plane, such as a task's result or a schedule's last run. Those must never fail because of a
 * person's input.
 */
const maxNewItemBytes = maxItemBytes - 16 * 1024;

const textBytes = (text: string): number => Buffer.byteLength(text);
/** Overhead of a list or a map, and of each of its entries. */
const containerBytes = 3;
const entryBytes = 1;
/** A number has one byte per two digits, and one more; the client rejects larger numbers. */
const numberBytes = (value: number | bigint): number => Math.ceil(String(value).length / 2) + 1;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

const valueBytes = (value: unknown): number => {
  if (typeof value === 'string') return textBytes(value);
  if (typeof value === 'number' || typeof value === 'bigint') return numberBytes(value);
  if (value instanceof Uint8Array) return value.byteLength;
  if (value instanceof Set) return sum([...value].map(valueBytes));
  if (Array.isArray(value)) return containerBytes + sum(value.map((one) => entryBytes + valueBytes(one)));
  if (typeof value === 'object' && value !== null)
    return containerBytes + itemBytes(value) + entryBytes * storedEntries(value).length;
  return 1;
};

/** Undefined values are not stored. */
const storedEntries = (item: object) => Object.entries(item).filter(([, value]) => value !== undefined);

/** Size of all attributes, names and values. */
const itemBytes = (item: object): number =>
  sum(storedEntries(item).map(([name, value]) => textBytes(name) + valueBytes(value)));

/** Names of attributes in the API, where the stored name differs. */
const givenAs: Readonly<Record<string, string>> = { surveySecrets: 'survey' };

/** Key of the item. */
interface Place {
  readonly pk: string;
  readonly sk: string;
}

/** An item is larger than DynamoDB allows; nothing was written. */
export class ItemTooLarge extends Error {
  override readonly name = 'ItemTooLarge';
  readonly code = 'item_too_large';
  /** Largest field. */
  readonly largest: string;
  readonly detail: string;

  /** `bytes` is unknown when DynamoDB rejected an update of the item. */
  constructor({ pk, sk }: Place, values: Readonly<Record<string, unknown>>, bytes?: number) {
    const [attribute] = Object.entries(values)
      .map(([name, value]) => [name, itemBytes({ [name]: value })] as const)
      .reduce((most, one) => (one[1] > most[1] ? one : most), ['', 0] as const);
    const largest = givenAs[attribute] ?? attribute;
    const all = bytes === undefined ? 'It would have too many bytes' : `It would have ${count(bytes)} bytes`;
    const detail = `${all} when stored, and ${count(maxNewItemBytes)} fit. Shorten "${largest}", its largest part.`;
    super(`${pk} ${sk}: ${detail}`);
    this.largest = largest;
    this.detail = detail;
  }
}

const count = (bytes: number): string => bytes.toLocaleString('en');

/**
 * Throws ItemTooLarge when an item leaves no room for later additions. An update of a person's input writes
 * or removes all of that input, so its own size is enough.
 */
export const checkItemSize = (item: Place & Record<string, unknown>): void => {
  const bytes = itemBytes(item);
  if (bytes > maxNewItemBytes) throw new ItemTooLarge(item, item, bytes);
};

/** Returns undefined when DynamoDB rejects the write for its size. */
export const unlessTooLarge = async <T>(write: Promise<T>): Promise<T | undefined> => {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ItemTooLarge) return undefined;
    throw error;
  }
};
