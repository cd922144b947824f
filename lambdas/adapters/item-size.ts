/**
 * How many bytes an item has in DynamoDB, by the rules that it bills and refuses by:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */

/** The most that DynamoDB stores as one item. */
const maxItemBytes = 400 * 1024;
/**
 * The most that one write may bring: of a new item, or of what a person saves again. What the control plane adds to it later, such as
 * a task's result or how a schedule ran, needs room too, and is never refused for what the person has saved.
 */
const maxNewItemBytes = maxItemBytes - 16 * 1024;

const textBytes = (text: string): number => Buffer.byteLength(text);
/** Of a list or a map, and of each of its entries. */
const containerBytes = 3;
const entryBytes = 1;
/** A number has a byte for two digits and one more; an even larger one is refused by the client. */
const numberBytes = (value: number | bigint): number => Math.ceil(String(value).length / 2) + 1;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

const valueBytes = (value: unknown): number => {
  if (typeof value === 'string') return textBytes(value);
  if (typeof value === 'number' || typeof value === 'bigint') return numberBytes(value);
  if (value instanceof Uint8Array) return value.byteLength;
  if (value instanceof Set) return sum([...value].map(valueBytes));
  if (Array.isArray(value)) return containerBytes + sum(value.map((one) => entryBytes + valueBytes(one)));
  if (typeof value === 'object' && value !== null)
    return containerBytes + itemBytes(value) + entryBytes * Object.keys(value).length;
  return 1;
};

/** Of all attributes, by their names and their values. An undefined one is not stored. */
const itemBytes = (item: object): number =>
  sum(
    Object.entries(item).map(([name, value]) =>
      value === undefined ? 0 : textBytes(name) + valueBytes(value),
    ),
  );

/** What people call an attribute that is kept under another name. */
const givenAs: Readonly<Record<string, string>> = { surveySecrets: 'survey' };

/** Where it is to be kept. */
interface Place {
  readonly pk: string;
  readonly sk: string;
}

/** An item has more bytes than one may have, so that nothing was written. */
export class ItemTooLarge extends Error {
  override readonly name = 'ItemTooLarge';
  readonly code = 'item_too_large';
  /** The field that takes most of it. */
  readonly largest: string;
  readonly detail: string;

  /** `bytes` is unknown when DynamoDB has refused an update of it. */
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
 * Throws ItemTooLarge when what is written would leave no room for what is added to it later. An update that saves what a person gives
 * writes all of it (what is left out, it removes), so that its own bytes tell.
 */
export const checkItemSize = (item: Place & Record<string, unknown>): void => {
  const bytes = itemBytes(item);
  if (bytes > maxNewItemBytes) throw new ItemTooLarge(item, item, bytes);
};

/** Undefined when it is refused for its size. */
export const unlessTooLarge = async <T>(write: Promise<T>): Promise<T | undefined> => {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ItemTooLarge) return undefined;
    throw error;
  }
};
