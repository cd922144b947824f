/** API calls of the commands. */
import type * as z from 'zod';
import type { CostReport } from '../protocol/cost.ts';
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
  templates(projectId: string): Promise<Template[]>;
  inventories(projectId: string): Promise<Inventory[]>;
  environments(projectId: string): Promise<Environment[]>;
  schedules(projectId: string): Promise<Schedule[]>;
  runners(pool: Pool): Promise<Runner[]>;
  /** Drains or resumes a runner. */
  tellRunner(pool: Pool, runnerId: string, word: 'drain' | 'resume'): Promise<Runner>;
  startTask(projectId: string, input: TaskInput): Promise<Task>;
  task(projectId: string, taskId: string): Promise<Task>;
  /** Lists tasks, newest first. */
  tasks(projectId: string, filter: TaskFilter, most: number): Promise<Task[]>;
  tellTask(projectId: string, taskId: string, word: 'stop' | 'confirm' | 'reject'): Promise<Task>;
  log(projectId: string, taskId: string, query: LogQuery): Promise<LogPage>;
  costs(projectId: string, window: { from?: string; to?: string }): Promise<CostReport>;
}

export interface TaskFilter {
  readonly status?: string;
  readonly templateId?: string;
  readonly tag?: string;
}

export interface LogQuery {
  readonly attempt?: number;
  readonly offset: number;
}

/** Maximum items per request of the API. */
const pageSize = 100;

const taskWords = { stop: stopTask, confirm: confirmTask, reject: rejectTask };

export const createApi = (client: Client): Api => {
  const items = async <T>(listed: Promise<{ items: T[] }>): Promise<T[]> => (await listed).items;

  return {
    me: () => client.call(getMe, {}),
    projects: () => items(client.call(listProjects, {})),
    templates: (projectId) => items(client.call(templates.list, { params: { projectId } })),
    inventories: (projectId) => items(client.call(inventories.list, { params: { projectId } })),
    environments: (projectId) => items(client.call(environments.list, { params: { projectId } })),
    schedules: (projectId) => items(client.call(schedules.list, { params: { projectId } })),
    runners: (pool) => {
      const { endpoints, params } = runnersIn(pool);
      return items(client.call(endpoints.list, { params }));
    },
    tellRunner: (pool, runnerId, word) => {
      const { endpoints, params } = runnersIn(pool);
      return client.call(endpoints[word], { params: { ...params, runnerId } });
    },
    startTask: (projectId, body) => client.call(startTask, { params: { projectId }, body }),
    task: (projectId, taskId) => client.call(getTask, { params: { projectId, taskId } }),
    tasks: async (projectId, filter, most) => {
      const found: Task[] = [];
      let cursor: string | undefined;
      do {
        const limit = Math.min(pageSize, most - found.length);
        const query = { ...filter, limit, cursor };
        const { items: some, nextCursor } = await client.call(listTasks, { params: { projectId }, query });
        found.push(...some);
        cursor = nextCursor;
      } while (cursor !== undefined && found.length < most);
      return found;
    },
    tellTask: (projectId, taskId, word) => client.call(taskWords[word], { params: { projectId, taskId } }),
    log: (projectId, taskId, query) =>
      client.call(readLog, { params: { projectId, taskId }, query: { ...query } }),
    costs: (projectId, window) => client.call(getCosts, { params: { projectId }, query: window }),
  };
};
