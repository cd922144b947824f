/** Where a pass of the reconciler that ran out of time stopped, for the next one to go on. */
import * as z from 'zod';
import { instant } from '../../protocol/index.ts';
import { recordsOf } from './records.ts';
import { keys, type Table } from './table.ts';

const place = z.object({
  /** Start of the first pass since the last one that reached the end. */
  since: instant,
  /** Name of the step. */
  step: z.string(),
  /** Key of the last item of that step that had its turn; empty: none had. */
  after: z.string(),
});
export type PassPlace = z.infer<typeof place>;

/** By the lane of a pass. */
const places = z.object({
  silent: place.optional(),
  runners: place.optional(),
  tasks: place.optional(),
  other: place.optional(),
});
export type PassPlaces = z.infer<typeof places>;

export type PassPlaceStore = ReturnType<typeof passPlaceStore>;

export const passPlaceStore = (table: Table) => {
  const records = recordsOf(table, places);
  const key = keys.passPlaces();
  return {
    /** Returns nothing when the last pass reached its end; an unreadable item counts as such. */
    get: async (): Promise<PassPlaces> => {
      const item = await table.get(key);
      return records.readAll(item ? [item] : [])[0] ?? {};
    },

    /** Records a place; undefined: the end was reached. */
    keep: async (lane: keyof PassPlaces, at: PassPlace | undefined): Promise<void> => {
      await records.update(key, { set: { [lane]: at } }, []);
    },
  };
};
