/**
 * Versions keep concurrent saves and removals of an item from undoing each other. Every change by the item's
 * owner adds 1 to `version`, which items of 0.1.0 lack. A change holds only for the version that it was based
 * on.
 */
import { addMs, type Clock } from '../../../protocol/index.ts';
import type { Condition } from '../expressions.ts';
import { type Item, keys, type Pool, type TransactWrite } from '../table.ts';

/** Version of an item; undefined when it was not changed since 0.1.0. */
export type Version = number | undefined;

export const versionOf = ({ version }: Item): Version => (typeof version === 'number' ? version : undefined);
export const nextVersion = (version: Version): number => (version ?? 0) + 1;

/** The item exists with that version. */
export const atVersion = (version: Version): Condition[] =>
  version === undefined
    ? [
        ['exists', 'pk'],
        ['missing', 'version'],
      ]
    : [['=', 'version', version]];

/** Another save or a removal came first: nothing was written, and the values that were read are outdated. */
export class ChangedMeanwhile extends Error {
  override readonly name = 'ChangedMeanwhile';
}

/** Throws ChangedMeanwhile when a save or a transaction reports writes whose conditions did not hold. */
export const checkUnchanged = (failed: readonly TransactWrite[]): void => {
  if (failed.length > 0) throw new ChangedMeanwhile();
};

const tries = 5;

/**
 * Repeats a read and a write while others change the item in between. Throws ChangedMeanwhile after the last
 * try.
 */
export const untilUnchanged = async <T>(readAndWrite: () => Promise<T>): Promise<T> => {
  for (let left = tries - 1; ; left -= 1) {
    try {
      return await readAndWrite();
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile) || left === 0) throw error;
    }
  }
};

/**
 * Longer than any request to the API: a removal that began earlier was cut short, and its item may be used
 * again.
 */
const removalMs = 60_000;

/** Checks for a transaction: each id exists and is not being removed at the time of the write. */
export const referenceChecks = (pool: Pool, ids: readonly string[], now: Clock): TransactWrite[] =>
  [...new Set(ids)].map((id) => ({
    check: keys.resource(pool, id),
    conditions: [
      ['exists', 'pk'],
      ['any', ['missing', 'removingSince'], ['<', 'removingSince', addMs(now(), -removalMs)]],
    ],
  }));
