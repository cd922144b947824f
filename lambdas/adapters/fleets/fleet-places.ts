/** Places of fleets: the runners of each fleet, which keep it within its maximum of runners and instances. */
import { decodeTime } from 'ulid';
import * as z from 'zod';
import { type Clock, epochMs, type RunnerId } from '../../../protocol/index.ts';
import { recordsOf } from '../records.ts';
import { fullIdOf, type RunnerRecord, runnerIn, runnerRef } from '../runners/runner-record.ts';
import { keys, type Pool, type Table } from '../table.ts';

const stored = z.object({ runners: z.set(z.string()).default(new Set()) });

const keyOf = (fullId: string) => {
  const { pool, id } = runnerIn(fullId);
  return keys.resource(pool, id);
};

/** True when a place was taken so long ago that its runner will not be stored any more. */
const isForgotten = (name: string, now: number): boolean =>
  now - decodeTime(runnerIn(name).id.slice('run_'.length)) > 10 * 60_000;

export type FleetPlaces = ReturnType<typeof fleetPlaces>;

export const fleetPlaces = (table: Table, now: Clock) => {
  const namesOf = async (fleet: string): Promise<ReadonlySet<string>> =>
    recordsOf(table, stored).read((await table.get(keys.fleet(fleet))) ?? { ...keys.fleet(fleet) }).runners;

  const tryToTake = async (fleet: string, names: ReadonlySet<string>, most: number): Promise<boolean> => {
    const room = most - names.size;
    if (room < 0) return false;
    const taken = await table.update(keys.fleet(fleet), { add: { runners: names } }, [
      ['any', ['missing', 'runners'], ['sizeAtMost', 'runners', room]],
    ]);
    return taken !== undefined;
  };

  const free = async (fleet: string, names: ReadonlySet<string>): Promise<void> => {
    if (names.size > 0) await table.update(keys.fleet(fleet), { take: { runners: names } }, []);
  };

  /**
   * Frees the places of runners that were never stored, because a call was cut short. True if there were any.
   */
  const sweep = async (fleet: string): Promise<boolean> => {
    const names = [...(await namesOf(fleet))];
    const found = await table.batchGet(names.map(keyOf));
    const present = new Set(found.map(({ pk, sk }) => `${String(pk)}/${String(sk)}`));
    const gone = names.filter((name) => !present.has(name) && isForgotten(name, epochMs(now())));
    await free(fleet, new Set(gone));
    return gone.length > 0;
  };

  return {
    /** Returns the runners of a fleet, each as `{pool}/{id}`. */
    names: namesOf,

    /**
     * Takes a place for each new runner. Takes none and returns false when the fleet would have more than
     * `most`.
     */
    take: async (fleet: string, pool: Pool, ids: readonly RunnerId[], most: number): Promise<boolean> => {
      const names = new Set(ids.map((id) => fullIdOf(runnerRef(pool, id))));
      return (
        (await tryToTake(fleet, names, most)) ||
        ((await sweep(fleet)) && (await tryToTake(fleet, names, most)))
      );
    },

    /** Gives back the place of a removed runner. */
    leave: async (runner: Pick<RunnerRecord, 'fleet' | 'projectId' | 'id'>): Promise<void> => {
      if (runner.fleet !== undefined) await free(runner.fleet, new Set([fullIdOf(runner)]));
    },
  };
};
