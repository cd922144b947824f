/** Client of the API, and waiting, for the end-to-end tests, the demo and the benchmarks. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApi } from '../local/sample/api-client.ts';
import { getCosts } from '../protocol/endpoints/costs.ts';
import { createProject } from '../protocol/endpoints/projects.ts';
import * as resources from '../protocol/endpoints/resources.ts';
import { runnersIn } from '../protocol/endpoints/runners.ts';
import { getTask, readLog, startTask, stopTask } from '../protocol/endpoints/tasks.ts';
import { listDeliveries } from '../protocol/endpoints/webhooks.ts';
import {
  type CreatedRunner,
  createdRunner,
  type LogEntry,
  type ProjectId,
  type Runner,
  type RunnerInput,
  type TaskId,
} from '../protocol/index.ts';

type NewRunner = Partial<RunnerInput> & Pick<RunnerInput, 'name'>;

export type Client = ReturnType<typeof apiClient>;

/** Client of the API with short names for what most tests do. */
export const apiClient = (...connection: Parameters<typeof openApi>) => {
  const { call, ask } = openApi(...connection);
  return {
    call,
    ask,
    createProject: (name: string) => ask(createProject, { body: { name } }),
    /** Makes a runner; without a project, a global one. */
    createRunner: async (projectId: ProjectId | undefined, body: NewRunner): Promise<CreatedRunner> => {
      const { endpoints, params } = runnersIn(projectId);
      return createdRunner.parse(await ask(endpoints.create, { params, body }));
    },
    getRunner: async (projectId: ProjectId | undefined, runnerId: string): Promise<Runner> => {
      const { endpoints, params } = runnersIn(projectId);
      return ask(endpoints.get, { params: { ...params, runnerId } });
    },
    createTemplate: (projectId: ProjectId, body: object) =>
      ask(resources.templates.create, { params: { projectId }, body }),
    createInventory: (projectId: ProjectId, body: object) =>
      ask(resources.inventories.create, { params: { projectId }, body }),
    createEnvironment: (projectId: ProjectId, body: object) =>
      ask(resources.environments.create, { params: { projectId }, body }),
    startTask: (projectId: ProjectId, templateId: string) =>
      ask(startTask, { params: { projectId }, body: { templateId } }),
    getTask: (projectId: ProjectId, taskId: TaskId) => ask(getTask, { params: { projectId, taskId } }),
    stopTask: (projectId: ProjectId, taskId: TaskId) => ask(stopTask, { params: { projectId, taskId } }),
    listDeliveries: async (projectId: ProjectId) =>
      (await ask(listDeliveries, { params: { projectId } })).items,
    readLog: async (projectId: ProjectId, taskId: TaskId): Promise<LogEntry[]> => {
      const entries: LogEntry[] = [];
      for (let offset = 0; ; ) {
        const page = await ask(readLog, { params: { projectId, taskId }, query: { offset } });
        entries.push(...page.entries);
        if (page.complete || page.nextOffset === offset) return entries;
        offset = page.nextOffset;
      }
    },
    getCosts: (projectId: ProjectId) => ask(getCosts, { params: { projectId } }),
  };
};

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
