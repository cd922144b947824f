/**
 * What keeps saves and removals of one item from undoing each other. Every change of an item by its owner adds 1 to `version`, which
 * items of 0.1.0 lack, and a change holds only for the version that it was made of.
 */
import { addMs, type Clock } from '../../../protocol/index.ts';
import type { Condition } from '../expressions.ts';
import { type Item, keys, type Pool, type TransactWrite } from '../table.ts';

/** Of an item that was not changed since 0.1.0 there is none. */
export type Version = number | undefined;

export const versionOf = ({ version }: Item): Version => (typeof version === 'number' ? version : undefined);
export const nextVersion = (version: Version): number => (version ?? 0) + 1;

/** The item is there, as it was at that version. */
export const atVersion = (version: Version): Condition[] =>
  version === undefined
    ? [
        ['exists', 'pk'],
        ['missing', 'version'],
      ]
    : [['=', 'version', version]];

/** Another save or a removal came first: nothing was written, and what was read no longer holds. */
export class ChangedMeanwhile extends Error {
  override readonly name = 'ChangedMeanwhile';
}

const tries = 5;

/** Reads and writes again when something changed in between. Throws ChangedMeanwhile when that happens each time. */
export const untilUnchanged = async <T>(readAndWrite: () => Promise<T>): Promise<T> => {
  for (let left = tries - 1; ; left -= 1) {
    try {
      return await readAndWrite();
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile) || left === 0) throw error;
    }
  }
};

/** Longer than any request to the API takes: a removal that began before was cut short, and its item may be used again. */
const removalMs = 60_000;

/** Each of them exists, and is not about to be removed, at the moment of the write that they are part of. */
export const referenceChecks = (pool: Pool, ids: readonly string[], now: Clock): TransactWrite[] =>
  [...new Set(ids)].map((id) => ({
    check: keys.resource(pool, id),
    conditions: [
      ['exists', 'pk'],
      ['any', ['missing', 'removingSince'], ['<', 'removingSince', addMs(now(), -removalMs)]],
    ],
  }));
