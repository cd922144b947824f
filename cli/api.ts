/** API calls of the commands. */
import type * as z from 'zod';
import type { CostReport } from '../protocol/cost.ts';
import type { Query } from '../protocol/endpoints/call.ts';
import { getCosts } from '../protocol/endpoints/costs.ts';
import { getMe } from '../protocol/endpoints/people.ts';
import { listProjects } from '../protocol/endpoints/projects.ts';
import { environments, inventories, templates } from '../protocol/endpoints/resources.ts';
import { runnersIn } from '../protocol/endpoints/runners.ts';
import { schedules } from '../protocol/endpoints/schedules.ts';
import {
  confirmTask,
  getTask,
  listTasks,
  readLog,
  rejectTask,
  startTask,
  stopTask,
} from '../protocol/endpoints/tasks.ts';
import type { Environment } from '../protocol/environment.ts';
import type { Inventory } from '../protocol/inventory.ts';
import type { LogPage } from '../protocol/log.ts';
import type { me } from '../protocol/person.ts';
import type { Project } from '../protocol/project.ts';
import type { Runner } from '../protocol/runner.ts';
import type { Schedule } from '../protocol/schedule.ts';
import type { Task, TaskInput } from '../protocol/task.ts';
import type { Template } from '../protocol/template.ts';
import type { Client } from './client.ts';

export type Me = z.infer<typeof me>;
/** Project of a runner; undefined for the global pool. */
type Pool = string | undefined;

export interface Api {
  me(): Promise<Me>;
  projects(): Promise<Project[]>;
  /** Lists, page by page, oldest first. */
  templates(projectId: string, asked: ListAsked): ItemPages<Template>;
  inventories(projectId: string, asked: ListAsked): ItemPages<Inventory>;
  environments(projectId: string, asked: ListAsked): ItemPages<Environment>;
  schedules(projectId: string, asked: ListAsked): ItemPages<Schedule>;
  runners(pool: Pool, asked: RunnersAsked): ItemPages<Runner>;
  /** Drains or resumes a runner. */
  tellRunner(pool: Pool, runnerId: string, word: 'drain' | 'resume'): Promise<Runner>;
  startTask(projectId: string, input: TaskInput): Promise<Task>;
  task(projectId: string, taskId: string): Promise<Task>;
  /** Lists tasks, page by page, newest first. */
  tasks(projectId: string, asked: TasksAsked): ItemPages<Task>;
  tellTask(projectId: string, taskId: string, word: 'stop' | 'confirm' | 'reject'): Promise<Task>;
  log(projectId: string, taskId: string, query: LogQuery): Promise<LogPage>;
  costs(projectId: string, window: { from?: string; to?: string }): Promise<CostReport>;
}

/** Items as they are read, a page at a time; a page may be empty. */
export type ItemPages<T> = AsyncGenerator<readonly T[], void>;

export interface ListAsked {
  /** Part of a name, an id or a description. */
  readonly search?: string;
  /** Maximum items in all. @default all */
  readonly limit?: number;
}

export interface RunnersAsked extends ListAsked {
  readonly status?: string;
  readonly tag?: string;
}

export interface TasksAsked extends RunnersAsked {
  readonly templateId?: string;
}

export interface LogQuery {
  readonly attempt?: number;
  readonly offset: number;
}

/** Maximum items per request of the API. */
const pageSize = 100;

const taskWords = { stop: stopTask, confirm: confirmTask, reject: rejectTask };

/** Reads pages until there are enough items, or no more. */
const readPages = async function* <T>(
  read: (query: Query) => Promise<{ readonly items: readonly T[]; readonly nextCursor?: string }>,
  { limit = Number.POSITIVE_INFINITY, ...filters }: ListAsked,
): ItemPages<T> {
  let left = limit;
  let cursor: string | undefined;
  do {
    const page = await read({ ...filters, limit: Math.min(pageSize, left), cursor });
    yield page.items;
    left -= page.items.length;
    cursor = page.nextCursor;
  } while (cursor !== undefined && left > 0);
};

export const createApi = (client: Client): Api => {
  const items = async <T>(listed: Promise<{ items: T[] }>): Promise<T[]> => (await listed).items;

  return {
    me: () => client.call(getMe, {}),
    projects: () => items(client.call(listProjects, {})),
    templates: (projectId, asked) =>
      readPages((query) => client.call(templates.list, { params: { projectId }, query }), asked),
    inventories: (projectId, asked) =>
      readPages((query) => client.call(inventories.list, { params: { projectId }, query }), asked),
    environments: (projectId, asked) =>
      readPages((query) => client.call(environments.list, { params: { projectId }, query }), asked),
    schedules: (projectId, asked) =>
      readPages((query) => client.call(schedules.list, { params: { projectId }, query }), asked),
    runners: (pool, asked) => {
      const { endpoints, params } = runnersIn(pool);
      return readPages((query) => client.call(endpoints.list, { params, query }), asked);
    },
    tellRunner: (pool, runnerId, word) => {
      const { endpoints, params } = runnersIn(pool);
      return client.call(endpoints[word], { params: { ...params, runnerId } });
    },
    startTask: (projectId, body) => client.call(startTask, { params: { projectId }, body }),
    task: (projectId, taskId) => client.call(getTask, { params: { projectId, taskId } }),
    tasks: (projectId, asked) =>
      readPages((query) => client.call(listTasks, { params: { projectId }, query }), asked),
    tellTask: (projectId, taskId, word) => client.call(taskWords[word], { params: { projectId, taskId } }),
    log: (projectId, taskId, query) =>
      client.call(readLog, { params: { projectId, taskId }, query: { ...query } }),
    costs: (projectId, window) => client.call(getCosts, { params: { projectId }, query: window }),
  };
};
