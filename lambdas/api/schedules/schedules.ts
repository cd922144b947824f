import * as endpoints from '../../../protocol/endpoints/schedules.ts';
import type {
  EffectiveRole,
  ProjectId,
  Schedule,
  ScheduleInput,
  SurveyAnswers,
  Template,
} from '../../../protocol/index.ts';
import type { ResourceStore } from '../../adapters/resources/resources.ts';
import type { ScheduleRecord } from '../../adapters/schedules/schedules.ts';
import { filledSchedule } from '../../core/resources/kept-secrets.ts';
import { referencesOf } from '../../core/resources/references.ts';
import { describeCron, readCron } from '../../core/schedules/cron.ts';
import { nextRuns } from '../../core/schedules/next-runs.ts';
import { secretNamesOf } from '../../core/tasks/survey.ts';
import { keepSchedule, removeSchedule } from '../../flows/schedules/sync-schedule.ts';
import { savedValues } from '../../flows/tasks/start-from-trigger.ts';
import { InputRefused, takenOf } from '../../flows/tasks/start-task.ts';
import type { FieldErrors } from '../../problems.ts';
import type { ApiDeps, PersonEnv } from '../deps.ts';
import { refuseFields } from '../refuse.ts';
import { crudRoutes } from '../resources/crud.ts';
import { beyondOf, mayGoBeyond } from '../resources/launch-options.ts';
import { findMissing, findMissingValues } from '../resources/references.ts';
import { routeOf, routes } from '../route.ts';

const shownRuns = 5;

const isGiven = (answers: SurveyAnswers, name: string): boolean =>
  Object.hasOwn(answers, name) && answers[name] !== '';

/** Secret answers that a change for this template may keep. */
const keptBy = (before: ScheduleRecord | undefined, templateId: string): SurveyAnswers =>
  before?.templateId === templateId ? before.surveySecrets : {};

/** Splits the answers of an input into plain and secret ones; an empty answer counts as none. */
const splitAnswers = (names: readonly string[], given: SurveyAnswers) => {
  const pick = (wanted: (name: string) => boolean): SurveyAnswers =>
    Object.fromEntries(Object.entries(given).filter(([name]) => wanted(name) && isGiven(given, name)));
  return {
    survey: pick((name) => !names.includes(name)),
    surveySecrets: pick((name) => names.includes(name)),
  };
};

const cronFaults = ({ cron }: Pick<ScheduleInput, 'cron'>): FieldErrors => {
  const read = readCron(cron);
  return read.ok ? [] : [{ path: 'cron', message: read.fault }];
};

const startFaults = (
  template: Template,
  input: ScheduleInput,
  role: EffectiveRole | undefined,
): FieldErrors => {
  try {
    takenOf(template, { ...savedValues(input), survey: input.survey }, mayGoBeyond(role));
    return [];
  } catch (error) {
    if (error instanceof InputRefused) return [...error.faults];
    throw error;
  }
};

/** Returns schedules for people, with their next runs and their last outcome. */
const showSchedules = async (
  deps: Pick<ApiDeps, 'tasks' | 'now' | 'resources'>,
  records: readonly ScheduleRecord[],
): Promise<Schedule[]> => {
  const { tasks, now } = deps;
  const beyond = await beyondOf(deps, records);
  const refs = records.flatMap(({ projectId, lastRun }) =>
    lastRun?.taskId ? [{ projectId, id: lastRun.taskId }] : [],
  );
  const statuses = new Map((await tasks.getAll(refs)).map(({ id, status }) => [id, status]));
  return records.map(({ surveySecrets, version: _version, removedAt: _removedAt, lastRun, ...record }) => {
    return {
      ...record,
      ...beyond(record),
      secretNames: Object.keys(surveySecrets).sort(),
      nextRuns: record.active ? nextRuns(record, now(), shownRuns) : [],
      lastRun: lastRun && { ...lastRun, taskStatus: lastRun.taskId && statuses.get(lastRun.taskId) },
    };
  });
};

/** Store behind the routes: each write is handed to EventBridge Scheduler, and the result shown. */
const shownStore = (deps: ApiDeps): Omit<ResourceStore<ScheduleInput, Schedule>, 'list'> => {
  const { schedules, resources } = deps;
  const split = async (projectId: ProjectId, input: ScheduleInput, before?: ScheduleRecord) => {
    const template = await resources.templates.get(projectId, input.templateId);
    const names = secretNamesOf(template?.survey, Object.keys(keptBy(before, input.templateId)));
    const { survey, surveySecrets } = splitAnswers(names, template ? (input.survey ?? {}) : {});
    const isAny = Object.keys(survey).length > 0;
    return { fields: { ...input, survey: isAny ? survey : undefined }, surveySecrets };
  };
  const show = async (record: ScheduleRecord): Promise<Schedule> => {
    const [shown] = await showSchedules(deps, [record]);
    if (!shown) throw new Error('One schedule was to be shown, and none is.');
    return shown;
  };
  const handOver = async (written: ScheduleRecord): Promise<Schedule> => {
    await keepSchedule(deps, written);
    return show((await schedules.get(written.projectId, written.id)) ?? written);
  };
  return {
    get: async (projectId, id) => {
      const found = await schedules.get(projectId, id);
      return found && show(found);
    },
    find: async (projectId, id) => {
      const found = await schedules.get(projectId, id);
      return found && { shown: await show(found), version: found.version };
    },
    page: async (projectId, asked) => {
      const { items, next } = await schedules.page(projectId, asked);
      return { items: await showSchedules(deps, items), next };
    },
    create: async (projectId, input, editedBy, basis) => {
      const { fields, surveySecrets } = await split(projectId, input);
      return handOver(await schedules.create(projectId, fields, surveySecrets, editedBy, basis?.refersTo));
    },
    replace: async (projectId, id, input, editedBy, basis) => {
      const before = await schedules.get(projectId, id);
      if (!before) return undefined;
      const { fields, surveySecrets } = await split(projectId, input, before);
      const asRead = { ...before, version: basis?.version ?? before.version };
      const after = await schedules.replace(asRead, fields, surveySecrets, editedBy, basis?.refersTo);
      return after && handOver(after);
    },
    // No object refers to a schedule.
    remove: async (projectId, id) => {
      const found = await schedules.get(projectId, id);
      return found !== undefined && removeSchedule(deps, found);
    },
  };
};

export const scheduleRoutes = (deps: ApiDeps) => {
  const { schedules, resources } = deps;
  return crudRoutes(deps, {
    endpoints: endpoints.schedules,
    fill: async (projectId, id, body) => {
      const before = await schedules.get(projectId, id);
      const template = await resources.templates.get(projectId, body.templateId);
      const answers = keptBy(before, body.templateId);
      const names = secretNamesOf(template?.survey, Object.keys(answers));
      const kept = Object.entries(answers).filter(([name]) => names.includes(name));
      return filledSchedule(body, Object.fromEntries(kept));
    },
    store: shownStore(deps),
    references: referencesOf,
    findMissing: async (projectId, input) => [
      ...(await findMissing(projectId, [['templateId', input.templateId, resources.templates]])),
      ...(await findMissingValues(deps, projectId, input)),
    ],
    findFaults: async (projectId, input, { role }) => {
      const template = await resources.templates.get(projectId, input.templateId);
      return [...cronFaults(input), ...(template ? startFaults(template, input, role) : [])];
    },
    findUsers: async () => [],
  });
};

export const schedulePreviewRoutes = (deps: Pick<ApiDeps, 'now'>) =>
  routes<PersonEnv>().openapi(routeOf(endpoints.previewSchedule), async (c) => {
    const timing = c.req.valid('query');
    const faults = cronFaults(timing);
    if (faults.length > 0) return refuseFields(c, faults);
    const preview = {
      sentence: await describeCron(timing.cron),
      nextRuns: nextRuns(timing, deps.now(), shownRuns),
    };
    return c.json(preview, 200);
  });
