/**
 * Store of schedules. The stored schedule is the truth, and EventBridge Scheduler follows. A schedule that it
 * does not have yet in its present form is in the live index, also after its owner removed it.
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
import { type PageAsked, readPage, type StoredPage } from '../pages.ts';
import { recordsOf } from '../records.ts';
import { nameStore } from '../resources/names.ts';
import { atVersion, checkUnchanged, referenceChecks, untilUnchanged } from '../resources/versions.ts';
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

/** Order of runs: at the same time, a start outranks any other outcome. */
const runKey = ({ at, outcome }: ScheduleRun): string => `${at} ${outcome === 'started' ? 2 : 1}`;

/** No attribute when there are none, so that nothing has to be encrypted. */
const secret = (surveySecrets: SurveyAnswers) => ({
  surveySecrets: Object.keys(surveySecrets).length > 0 ? surveySecrets : undefined,
});

/**
 * Maximum length of text from outside, such as AWS: a longer one would use up the room for other additions.
 */
const longestNote = 1000;

/** All attributes that an owner may set: those absent in a change are removed. */
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

  /** Finds a schedule, also a removed one that EventBridge Scheduler may still have. */
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

    /** Lists schedules, oldest first. */
    list: async (projectId: ProjectId): Promise<ScheduleRecord[]> =>
      (await listAll(projectId)).filter(isShown),

    listAll,

    /** Reads a page of schedules, oldest first. */
    page: (projectId: ProjectId, asked: PageAsked<ScheduleRecord>): Promise<StoredPage<ScheduleRecord>> =>
      readPage(
        table,
        { pk: projectId, prefix: 'sch_' },
        (items) => records.readAll(items).filter(isShown),
        asked,
      ),

    /** Creates a schedule. `input` has no secret answers; those are stored separately. */
    create: async (
      projectId: ProjectId,
      input: ScheduleInput,
      surveySecrets: SurveyAnswers,
      editedBy?: string,
      refersTo: readonly string[] = [],
    ): Promise<ScheduleRecord> => {
      const id = newId('sch');
      const own = { id, projectId, createdAt: now(), version: 1, ...toHandOver(id) };
      const item = { ...keys.resource(projectId, id), ...input, editedBy, ...own, ...secret(surveySecrets) };
      records.checkItem(item);
      const failed = await names.save(projectId, 'sch', { id, name: input.name }, [
        { put: item, conditions: [['missing', 'pk']] },
        ...referenceChecks(projectId, refersTo, now),
      ]);
      checkUnchanged(failed);
      return records.read(item);
    },

    /**
     * Replaces all that its owner may set. Undefined when it was removed meanwhile. Throws ChangedMeanwhile
     * when it differs from `before`, or when a reference of it does not exist.
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
      checkUnchanged(failed);
      return find(projectId, id);
    },

    /**
     * Hides it from everybody; `forget` deletes it once EventBridge Scheduler doesn't have it. Its task
     * settings go at once, so that a schedule without room for another attribute can be removed, too.
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
        checkUnchanged(failed);
        return find(ref.projectId, ref.id);
      }),

    /**
     * Reserves the update of EventBridge Scheduler; undefined when another function has it, or the schedule
     * is gone.
     */
    takeTurn: (ref: ScheduleRef, until: Instant) =>
      change(ref, { set: { turnUntil: until } }, [
        ['any', ['missing', 'turnUntil'], ['<', 'turnUntil', now()]],
      ]),

    /** Records that EventBridge Scheduler has that version. Undefined when it has changed since. */
    settle: (record: ScheduleRecord) => change(record, { set: handedOver }, atVersion(record.version)),

    /** Records that the update failed and remains to be done. */
    postpone: (record: ScheduleRecord, pending: string) =>
      change(record, { set: { pending: pending.slice(0, longestNote), turnUntil: undefined } }),

    /** Deletes a removed schedule that EventBridge Scheduler no longer has. */
    forget: (record: ScheduleRecord): Promise<boolean> =>
      table.remove(keyOf(record), [['exists', 'removedAt'], ...atVersion(record.version)]),

    /** Records a run; keeps the latest. */
    recordRun: (ref: ScheduleRef, run: ScheduleRun) =>
      change(
        ref,
        { set: { lastRun: { ...run, detail: run.detail.slice(0, longestNote) }, lastRunKey: runKey(run) } },
        [['any', ['missing', 'lastRunKey'], ['<=', 'lastRunKey', runKey(run)]]],
      ),

    /** Lists schedules that EventBridge Scheduler does not have yet in their present form. */
    listPending: async (): Promise<ScheduleRecord[]> => {
      const found: Key[] = [];
      for await (const key of table.queryLive('schedule')) found.push(key);
      return records.readAll(await table.batchGet(found));
    },
  };
};
