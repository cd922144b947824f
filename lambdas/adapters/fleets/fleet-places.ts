/** The places of fleets: which runners each has, so that there are never more than it may have, nor instances. */
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

/** A place was taken for a runner that was then not stored; by now it would be. */
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

  /** Frees what is held by runners that are not there, because a call was cut short. Whether there was any. */
  const sweep = async (fleet: string): Promise<boolean> => {
    const names = [...(await namesOf(fleet))];
    const found = await table.batchGet(names.map(keyOf));
    const present = new Set(found.map(({ pk, sk }) => `${String(pk)}/${String(sk)}`));
    const gone = names.filter((name) => !present.has(name) && isForgotten(name, epochMs(now())));
    await free(fleet, new Set(gone));
    return gone.length > 0;
  };

  return {
    /** The runners of a fleet, each as `{pool}/{id}`. */
    names: namesOf,

    /** Takes a place for each of the new runners, or none and answers false, as that would be more than `most` in all. */
    take: async (fleet: string, pool: Pool, ids: readonly RunnerId[], most: number): Promise<boolean> => {
      const names = new Set(ids.map((id) => fullIdOf(runnerRef(pool, id))));
      return (
        (await tryToTake(fleet, names, most)) ||
        ((await sweep(fleet)) && (await tryToTake(fleet, names, most)))
      );
    },

    /** Gives back the place of a runner that is gone. */
    leave: async (runner: Pick<RunnerRecord, 'fleet' | 'projectId' | 'id'>): Promise<void> => {
      if (runner.fleet !== undefined) await free(runner.fleet, new Set([fullIdOf(runner)]));
    },
  };
};
