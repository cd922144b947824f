/** API calls of the commands. */
import * as z from 'zod';
import { page } from '../protocol/common.ts';
import { type CostReport, costReport } from '../protocol/cost.ts';
import { type Environment, environment } from '../protocol/environment.ts';
import { type Inventory, inventory } from '../protocol/inventory.ts';
import { type LogPage, logPage } from '../protocol/log.ts';
import { me } from '../protocol/person.ts';
import { type Project, project } from '../protocol/project.ts';
import { type Runner, runner } from '../protocol/runner.ts';
import { type Schedule, schedule } from '../protocol/schedule.ts';
import { type Task, type TaskInput, task } from '../protocol/task.ts';
import { type Template, template } from '../protocol/template.ts';
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
  readonly status?: string | undefined;
  readonly templateId?: string | undefined;
  readonly tag?: string | undefined;
}

export interface LogQuery {
  readonly attempt?: number | undefined;
  readonly offset: number;
}

/** Maximum items per request of the API. */
const pageSize = 100;

const inPool = (pool: Pool): string =>
  pool === undefined ? '/api/runners' : `/api/projects/${pool}/runners`;

export const createApi = (client: Client): Api => {
  const list = async <T>(path: string, item: z.ZodType<T>): Promise<T[]> =>
    (await client.get(path, z.object({ items: z.array(item) }))).items;
  const tasksOf = (projectId: string) => `/api/projects/${projectId}/tasks`;

  return {
    me: () => client.get('/api/me', me),
    projects: () => list('/api/projects', project),
    templates: (projectId) => list(`/api/projects/${projectId}/templates`, template),
    inventories: (projectId) => list(`/api/projects/${projectId}/inventories`, inventory),
    environments: (projectId) => list(`/api/projects/${projectId}/environments`, environment),
    schedules: (projectId) => list(`/api/projects/${projectId}/schedules`, schedule),
    runners: (pool) => list(inPool(pool), runner),
    tellRunner: (pool, runnerId, word) => client.post(`${inPool(pool)}/${runnerId}/${word}`, runner),
    startTask: (projectId, input) => client.post(tasksOf(projectId), task, input),
    task: (projectId, taskId) => client.get(`${tasksOf(projectId)}/${taskId}`, task),
    tasks: async (projectId, filter, most) => {
      const found: Task[] = [];
      let cursor: string | undefined;
      do {
        const limit = Math.min(pageSize, most - found.length);
        const { items, nextCursor } = await client.get(tasksOf(projectId), page(task), {
          ...filter,
          limit,
          cursor,
        });
        found.push(...items);
        cursor = nextCursor;
      } while (cursor !== undefined && found.length < most);
      return found;
    },
    tellTask: (projectId, taskId, word) => client.post(`${tasksOf(projectId)}/${taskId}/${word}`, task),
    log: (projectId, taskId, query) =>
      client.get(`${tasksOf(projectId)}/${taskId}/log`, logPage, { ...query }),
    costs: (projectId, window) => client.get(`/api/projects/${projectId}/costs`, costReport, window),
  };
};
