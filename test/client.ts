/** A small client of the API for the end-to-end tests, the demo and the benchmarks. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import {
  type CostReport,
  type CreatedRunner,
  costReport,
  createdRunner,
  delivery,
  type LogEntry,
  logPage,
  type ProjectId,
  problem,
  type RunnerInput,
  runner,
  type TaskId,
  task,
} from '../protocol/index.ts';

export class ApiError extends Error {
  readonly code: string;
  constructor(method: string, path: string, { status, code, detail }: z.infer<typeof problem>) {
    super(`${method} ${path}: ${status} ${code}: ${detail}`);
    this.code = code;
  }
}

const identified = <P extends string>(_prefix: P) => z.looseObject({ id: z.custom<`${P}_${string}`>() });

export type Client = ReturnType<typeof apiClient>;

export const apiClient = (url: string, token: string, send: typeof fetch = fetch) => {
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await send(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    const json: unknown = isJson ? JSON.parse(text) : undefined;
    if (response.ok) return json;
    const refusal = problem.safeParse(json);
    if (!refusal.success) throw new Error(`${method} ${path}: ${response.status} without a problem: ${text}`);
    throw new ApiError(method, path, refusal.data);
  };
  const inProject = (id: ProjectId | undefined, path: string) =>
    id === undefined ? `/api/${path}` : `/api/projects/${id}/${path}`;

  return {
    call,
    createProject: async (name: string) =>
      identified('prj').parse(await call('POST', '/api/projects', { name })),
    /** Makes a runner; without a project, a global one. */
    createRunner: async (
      projectId: ProjectId | undefined,
      input: z.input<typeof inputOf>,
    ): Promise<CreatedRunner> =>
      createdRunner.parse(await call('POST', inProject(projectId, 'runners'), input)),
    getRunner: async (projectId: ProjectId | undefined, id: string) =>
      runner.parse(await call('GET', inProject(projectId, `runners/${id}`))),
    createTemplate: async (projectId: ProjectId, input: object) =>
      identified('tpl').parse(await call('POST', inProject(projectId, 'templates'), input)),
    createInventory: async (projectId: ProjectId, input: object) =>
      identified('inv').parse(await call('POST', inProject(projectId, 'inventories'), input)),
    createEnvironment: async (projectId: ProjectId, input: object) =>
      identified('env').parse(await call('POST', inProject(projectId, 'environments'), input)),
    startTask: async (projectId: ProjectId, templateId: string) =>
      task.parse(await call('POST', inProject(projectId, 'tasks'), { templateId })),
    getTask: async (projectId: ProjectId, id: TaskId) =>
      task.parse(await call('GET', inProject(projectId, `tasks/${id}`))),
    stopTask: (projectId: ProjectId, id: TaskId) => call('POST', inProject(projectId, `tasks/${id}/stop`)),
    listDeliveries: async (projectId: ProjectId) =>
      z.object({ items: z.array(delivery) }).parse(await call('GET', inProject(projectId, 'deliveries')))
        .items,
    readLog: async (projectId: ProjectId, id: TaskId): Promise<LogEntry[]> => {
      const entries: LogEntry[] = [];
      for (let offset = 0; ; ) {
        const page = logPage.parse(
          await call('GET', inProject(projectId, `tasks/${id}/log?offset=${offset}`)),
        );
        entries.push(...page.entries);
        if (page.complete || page.nextOffset === offset) return entries;
        offset = page.nextOffset;
      }
    },
    getCosts: async (projectId: ProjectId): Promise<CostReport> =>
      costReport.parse(await call('GET', inProject(projectId, 'costs'))),
  };
};

const inputOf = z.custom<Partial<RunnerInput> & Pick<RunnerInput, 'name'>>();

/** Writes a new runner's credentials to its instance's disk: the API's answer is the agent's config file. */
export const installAgent = (disk: string, made: CreatedRunner): void =>
  writeFileSync(join(disk, 'runner.json'), JSON.stringify(made), { mode: 0o600 });

/**
 * Factor for timeouts: a busy machine takes longer and is still right. A wait ends as soon as its condition
 * holds.
 */
const patience = 5;

/**
 * Delay before the next probe; it grows with the wait, because each probe takes time from the work that it
 * waits for.
 */
const probeAgainInMs = (waitedMs: number): number => Math.min(500, Math.max(50, waitedMs / 10));

/**
 * Waits until `probe` returns a value. Throws with `what` after `patience` times the timeout for a quiet
 * machine.
 */
export const until = async <T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> => {
  const limitMs = timeoutMs * patience;
  const beganMs = Date.now();
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    const waitedMs = Date.now() - beganMs;
    if (waitedMs > limitMs) throw new Error(`Waited ${limitMs / 1000} s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, probeAgainInMs(waitedMs)));
  }
};
