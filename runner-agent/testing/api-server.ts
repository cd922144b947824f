/** Plays the API to the agent under test: real HTTP, the protocol's schemas, tasks and chunks in memory. */
import { createPublicKey } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { CompactEncrypt } from 'jose';
import { ulid } from 'ulid';
import {
  type AgentSettings,
  claimRequest,
  credentialsRequest,
  type FinishRequest,
  finishRequest,
  type HeartbeatRequest,
  heartbeatRequest,
  logRequest,
  type TaskPayload,
} from '../../protocol/agent.ts';
import { type RunnerId, runnerId, type TaskId } from '../../protocol/ids.ts';
import type { LogChunk } from '../../protocol/log.ts';
import { problemMediaType } from '../../protocol/problem.ts';
import { type RegisterRequest, registerRequest } from '../../protocol/runner.ts';
import { aProjectId } from './builders.ts';

export interface TestTask {
  payload: TaskPayload;
  status: 'waiting' | 'claimed' | 'finished';
  chunks: LogChunk[];
  /** Number of times that each chunk was sent. */
  sent: number;
  finish?: FinishRequest;
  stop: boolean;
  lost: boolean;
}

interface Answer {
  status: number;
  body?: unknown;
}

export interface TestApi {
  url: string;
  runnerId: RunnerId;
  token: string;
  settings: AgentSettings;
  aws: { region: string; endpoint: string };
  drain: boolean;
  sleepAnswer: boolean;
  /** Answers a claim with the first waiting task, whichever rang. */
  givesFirst: boolean;
  /** A finish may carry chunks of the log; false: as in 0.1.0, whose API refuses them. */
  finishTakesLog: boolean;
  tasks: Map<TaskId, TestTask>;
  /** Calls in the order of arrival. */
  calls: { path: string; atMs: number }[];
  heartbeats: HeartbeatRequest[];
  registered: RegisterRequest[];
  /** Answers a path in place of the server, while it returns a value. */
  intercept: (path: string, body: unknown) => Answer | undefined;
  addTask(payload: TaskPayload): void;
  textOf(taskId: TaskId): string;
  count(path: string): number;
  close(): Promise<void>;
}

const problemOf = (status: number, code: string): Answer => ({
  status,
  body: { type: `urn:reveille:${code}`, title: code, status, detail: `It is ${code}`, code },
});

const readBody = async (request: IncomingMessage): Promise<unknown> => {
  let text = '';
  for await (const piece of request) text += String(piece);
  return JSON.parse(text);
};

export const seal = (plain: string, publicKeyPem: string): Promise<string> =>
  new CompactEncrypt(new TextEncoder().encode(plain))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' })
    .encrypt(createPublicKey(publicKeyPem));

export const startTestApi = async (publicKey: string, endpoint: string): Promise<TestApi> => {
  let leases = 0;
  const answers = new Set<string>();
  const leaseOf = (taskId: string) => {
    leases += 1;
    return `${taskId}#${leases}`;
  };
  const store = (task: TestTask, chunks: readonly LogChunk[]) => {
    for (const chunk of chunks) {
      task.sent += 1;
      if (!task.chunks.some(({ seq }) => seq === chunk.seq)) task.chunks.push(chunk);
    }
  };
  const underLease = (lease: string): TestTask | undefined => {
    const [taskId = ''] = lease.split('#');
    return [...api.tasks.values()].find((task) => task.payload.taskId === taskId);
  };

  const handlers: Record<string, (body: unknown, bearer: string) => Promise<Answer> | Answer> = {
    register: (body) => {
      const asked = registerRequest.parse(body);
      api.registered.push(asked);
      const createdAt = new Date().toISOString();
      const { publicKey, name, maxParallelTasks, idleTimeoutMs } = asked;
      const runner = {
        id: api.runnerId,
        projectId: aProjectId(),
        name,
        tags: [],
        maxParallelTasks,
        idleTimeoutMs,
        active: true,
        status: 'offline',
        statusSince: createdAt,
        slots: [],
        assigned: [],
        publicKey,
        createdAt,
      };
      return {
        status: 201,
        body: { apiUrl: api.url, token: api.token, webhookSecret: 'whsec_dGVzdA==', runner },
      };
    },
    unregister: (_, bearer) => (bearer === api.token ? { status: 204 } : problemOf(401, 'unauthenticated')),
    challenge: async (_, bearer) => {
      if (bearer !== api.token) return problemOf(401, 'unauthenticated');
      const answer = ulid();
      answers.add(answer);
      return { status: 200, body: { challenge: await seal(answer, publicKey) } };
    },
    credentials: (body) => {
      if (!answers.delete(credentialsRequest.parse(body).answer)) return problemOf(403, 'wrong_answer');
      const { settings, runnerId } = api;
      const aws = { ...api.aws, accessKeyId: 'test', secretAccessKey: 'test', sessionToken: 'test' };
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      return { status: 200, body: { runnerId, session: 'session', expiresAt, aws, settings } };
    },
    claim: async (body) => {
      const rung = claimRequest.parse(body).taskId;
      const first = [...api.tasks].find(([, { status }]) => status === 'waiting')?.[0];
      const taskId = api.givesFirst && first ? first : rung;
      const task = api.tasks.get(taskId);
      if (task?.status !== 'waiting') return problemOf(409, 'not_claimable');
      task.status = 'claimed';
      const payload = await seal(JSON.stringify(task.payload), publicKey);
      return {
        status: 200,
        body: {
          projectId: task.payload.projectId,
          taskId,
          attempt: task.payload.attempt,
          lease: leaseOf(taskId),
          payload,
          finishTakesLog: api.finishTakesLog || undefined,
          forget: (taskId !== rung && api.tasks.get(rung)?.status !== 'waiting') || undefined,
        },
      };
    },
    heartbeat: (body) => {
      const request = heartbeatRequest.parse(body);
      api.heartbeats.push(request);
      const held = request.tasks.flatMap(({ taskId }) => {
        const task = api.tasks.get(taskId);
        return task?.status === 'claimed' ? [{ taskId, task }] : [];
      });
      return {
        status: 200,
        body: {
          leases: held
            .filter(({ task }) => !task.lost)
            .map(({ taskId, task }) => ({ taskId, lease: leaseOf(taskId), stop: task.stop })),
          lost: held.filter(({ task }) => task.lost).map(({ taskId }) => taskId),
          drain: api.drain,
          settings: api.settings,
        },
      };
    },
    drain: () => {
      if (api.sleepAnswer) api.drain = true;
      const next = [...api.tasks.values()].find(({ status }) => status === 'waiting')?.payload;
      const { projectId, taskId } = next ?? {};
      return {
        status: 200,
        body: { sleep: api.sleepAnswer, next: api.sleepAnswer || !next ? undefined : { projectId, taskId } },
      };
    },
    log: (body) => {
      const { lease, chunks } = logRequest.parse(body);
      const task = underLease(lease);
      if (!task || task.lost) return problemOf(409, 'lease_lost');
      store(task, chunks);
      return { status: 200, body: { stop: task.stop } };
    },
    finish: (body) => {
      const request = finishRequest.parse(body);
      const task = underLease(request.lease);
      if (!task || task.lost) return problemOf(409, 'lease_lost');
      if (request.chunks && !api.finishTakesLog) return problemOf(400, 'invalid_request');
      store(task, request.chunks ?? []);
      task.finish = request;
      task.status = 'finished';
      return { status: 200, body: {} };
    },
  };

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const path = (request.url ?? '').replace('/api/agent/', '');
    api.calls.push({ path, atMs: Date.now() });
    const body = await readBody(request);
    const handler = handlers[path];
    if (!handler) return problemOf(404, 'not_found');
    const bearer = (request.headers.authorization ?? '').replace('Bearer ', '');
    return api.intercept(path, body) ?? handler(body, bearer);
  };

  const server = createServer((request, response) => {
    answer(request)
      .catch((error: unknown) => ({ status: 400, body: { error: String(error) } }))
      .then(({ status, body }: Answer) => {
        response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : problemMediaType });
        response.end(body === undefined ? undefined : JSON.stringify(body));
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');

  const api: TestApi = {
    url: `http://127.0.0.1:${address.port}`,
    runnerId: runnerId.parse(`run_${ulid()}`),
    token: 'global.run_test.secret',
    settings: { queueUrls: [], maxParallelTasks: 1 },
    aws: { region: 'eu-west-1', endpoint },
    drain: false,
    sleepAnswer: true,
    givesFirst: false,
    finishTakesLog: true,
    tasks: new Map(),
    calls: [],
    heartbeats: [],
    registered: [],
    intercept: () => undefined,
    addTask: (payload) => {
      api.tasks.set(payload.taskId, {
        payload,
        status: 'waiting',
        chunks: [],
        sent: 0,
        stop: false,
        lost: false,
      });
    },
    textOf: (taskId) =>
      (api.tasks.get(taskId)?.chunks ?? [])
        .toSorted((one, other) => one.seq - other.seq)
        .flatMap(({ entries }) => entries.filter(({ stream }) => stream !== 'agent'))
        .map(({ text }) => text)
        .join(''),
    count: (path) => api.calls.filter((call) => call.path === path).length,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return api;
};
