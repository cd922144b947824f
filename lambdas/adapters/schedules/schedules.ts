/**
 * The store of schedules. What is here is the truth, and EventBridge Scheduler follows: a schedule that it does not have yet as it
 * is here is in the live index, also after it was removed by its owner.
 */
import * as z from 'zod';
import {
  type Clock,
  type Instant,
  instant,
  type ProjectId,
  type Schedule,
  type ScheduleInput,
  type ScheduleRun,
  type SurveyAnswers,
  schedule,
  surveyAnswers,
} from '../../../protocol/index.ts';
import type { Condition, Update } from '../expressions.ts';
import type { NewId } from '../ids.ts';
import { recordsOf } from '../records.ts';
import { nameStore } from '../resources/names.ts';
import { atVersion, ChangedMeanwhile, referenceChecks, untilUnchanged } from '../resources/versions.ts';
import { type Key, keys, queryAll, type Table } from '../table.ts';

const scheduleRecord = schedule.omit({ nextRuns: true, secretNames: true }).extend({
  /** Grows with each change by its owner. */
  version: z.int(),
  surveySecrets: surveyAnswers.default({}),
  /** Its owner has removed it, and EventBridge Scheduler may still have it. */
  removedAt: instant.optional(),
});
export type ScheduleRecord = z.infer<typeof scheduleRecord>;

export type ScheduleRef = Pick<Schedule, 'projectId' | 'id'>;

const isShown = ({ removedAt }: ScheduleRecord): boolean => removedAt === undefined;

const handingOver = 'It is being handed to EventBridge Scheduler.';
const toHandOver = (id: string) => ({ live: 'schedule', liveKey: id, pending: handingOver });
const handedOver = { live: undefined, liveKey: undefined, pending: undefined, turnUntil: undefined };

/** Of the same time, a start counts more than what else was told of it. */
const runKey = ({ at, outcome }: ScheduleRun): string => `${at} ${outcome === 'started' ? 2 : 1}`;

/** None is no attribute, so that nothing has to be encrypted. */
const secret = (surveySecrets: SurveyAnswers) => ({
  surveySecrets: Object.keys(surveySecrets).length > 0 ? surveySecrets : undefined,
});

/** Of what others tell, such as AWS: a longer text would take the room that the rest of the item's additions need. */
const longestNote = 1000;

/** All that an owner may set, so that what is left out of a change is removed. */
const settable = {
  message: undefined,
  survey: undefined,
  priority: undefined,
  ansible: undefined,
  terraform: undefined,
  repository: undefined,
  arguments: undefined,
  inventoryId: undefined,
  environmentId: undefined,
  timeoutMs: undefined,
  editedBy: undefined,
  startsAt: undefined,
  endsAt: undefined,
};

export type ScheduleStore = ReturnType<typeof scheduleStore>;

export const scheduleStore = (table: Table, { now, newId }: { now: Clock; newId: NewId }) => {
  const names = nameStore(table, now);
  const records = recordsOf(table, scheduleRecord);
  const keyOf = (ref: ScheduleRef) => keys.resource(ref.projectId, ref.id);
  const change = (ref: ScheduleRef, update: Update, conditions: readonly Condition[] = []) =>
    records.update(keyOf(ref), update, [['exists', 'pk'], ...conditions]);
  const asItWas = ({ version }: ScheduleRecord): Condition => ['=', 'version', version];

  /** Also one that was removed by its owner, as long as EventBridge Scheduler may have it. */
  const find = async (projectId: ProjectId, id: string): Promise<ScheduleRecord | undefined> =>
    records.readIf(await table.get(keys.resource(projectId, id)));

  const listAll = async (projectId: ProjectId): Promise<ScheduleRecord[]> =>
    records.readAll(await queryAll(table, { pk: projectId, prefix: 'sch_' }));

  return {
    find,

    get: async (projectId: ProjectId, id: string): Promise<ScheduleRecord | undefined> => {
      const found = await find(projectId, id);
      return found && isShown(found) ? found : undefined;
    },

    /** Oldest first. */
    list: async (projectId: ProjectId): Promise<ScheduleRecord[]> =>
      (await listAll(projectId)).filter(isShown),

    listAll,

    /** `input` is without the secret answers, which are kept apart. */
    create: async (
      projectId: ProjectId,
      input: ScheduleInput,
      surveySecrets: SurveyAnswers,
      editedBy?: string,
      refersTo: readonly string[] = [],
    ): Promise<ScheduleRecord> => {
      const id = newId('sch');
      const own = { id, projectId, createdAt: now(), version: 1, ...toHandOver(id) };
      const edited = editedBy !== undefined && { editedBy };
      const item = { ...keys.resource(projectId, id), ...input, ...edited, ...own, ...secret(surveySecrets) };
      records.checkItem(item);
      const failed = await names.save(projectId, 'sch', { id, name: input.name }, [
        { put: item, conditions: [['missing', 'pk']] },
        ...referenceChecks(projectId, refersTo, now),
      ]);
      if (failed.length > 0) throw new ChangedMeanwhile();
      return records.read(item);
    },

    /**
     * Everything that its owner may set becomes what `input` says. Undefined when it was removed meanwhile. Throws ChangedMeanwhile
     * when it is no longer as `before`, or when something that it refers to does not exist.
     */
    replace: async (
      before: ScheduleRef & Pick<ScheduleRecord, 'name' | 'version'>,
      input: ScheduleInput,
      surveySecrets: SurveyAnswers,
      editedBy?: string,
      refersTo: readonly string[] = [],
    ): Promise<ScheduleRecord | undefined> => {
      const { projectId, id, name, version } = before;
      const update = {
        set: { ...settable, ...input, editedBy, ...secret(surveySecrets), ...toHandOver(id) },
        add: { version: 1 },
      };
      records.checkUpdate(keyOf(before), update);
      const failed = await names.save(projectId, 'sch', { id, name: input.name, before: name }, [
        {
          update: keyOf(before),
          change: update,
          conditions: [...atVersion(version), ['missing', 'removedAt']],
        },
        ...referenceChecks(projectId, refersTo, now),
      ]);
      if (failed.length > 0) throw new ChangedMeanwhile();
      return find(projectId, id);
    },

    /**
     * Nobody sees it from now on; it is forgotten once EventBridge Scheduler doesn't have it. What it gave to its tasks goes at once, so
     * that also one can be removed that has no room for another attribute.
     */
    markRemoved: (ref: ScheduleRef): Promise<ScheduleRecord | undefined> =>
      untilUnchanged(async () => {
        const found = await find(ref.projectId, ref.id);
        if (!found || !isShown(found)) return undefined;
        const freed = await names.freeing(ref.projectId, 'sch', found.name, ref.id);
        const set = {
          ...settable,
          ...secret({}),
          lastRun: undefined,
          removedAt: now(),
          ...toHandOver(ref.id),
        };
        const change = { set, add: { version: 1 } };
        const conditions = [...atVersion(found.version), ['missing', 'removedAt']] as const;
        const failed = await table.transact([{ update: keyOf(ref), change, conditions }, ...freed]);
        if (failed.length > 0) throw new ChangedMeanwhile();
        return find(ref.projectId, ref.id);
      }),

    /** Lets one function at a time hand it over; undefined when another has its turn, or when there is no such schedule. */
    takeTurn: (ref: ScheduleRef, until: Instant) =>
      change(ref, { set: { turnUntil: until } }, [
        ['any', ['missing', 'turnUntil'], ['<', 'turnUntil', now()]],
      ]),

    /** EventBridge Scheduler has it as it was at that version. Undefined when it has changed since. */
    settle: (record: ScheduleRecord) => change(record, { set: handedOver }, [asItWas(record)]),

    /** It could not be handed over, and remains to be. */
    postpone: (record: ScheduleRecord, pending: string) =>
      change(record, { set: { pending: pending.slice(0, longestNote), turnUntil: undefined } }),

    /** EventBridge Scheduler doesn't have it any more, and its owner has removed it. */
    forget: (record: ScheduleRecord): Promise<boolean> =>
      table.remove(keyOf(record), [['exists', 'removedAt'], asItWas(record)]),

    /** Of what became due, the latest is kept. */
    recordRun: (ref: ScheduleRef, run: ScheduleRun) =>
      change(
        ref,
        { set: { lastRun: { ...run, detail: run.detail.slice(0, longestNote) }, lastRunKey: runKey(run) } },
        [['any', ['missing', 'lastRunKey'], ['<=', 'lastRunKey', runKey(run)]]],
      ),

    /** Those that EventBridge Scheduler does not have yet as they are here. */
    listPending: async (): Promise<ScheduleRecord[]> => {
      const found: Key[] = [];
      for await (const key of table.queryLive('schedule')) found.push(key);
      return records.readAll(await table.batchGet(found));
    },
  };
};
