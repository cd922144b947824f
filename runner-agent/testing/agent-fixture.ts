/** Fixture of one agent: an API over HTTP, SQS by fauxqs, and the agent in this process. */
import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFauxqs } from 'fauxqs';
import type { TaskPayload } from '../../protocol/agent.ts';
import type { Intervals } from '../agent.ts';
import type { StartConfig } from '../config.ts';
import { runUntilReclaimed } from '../host/reclaim.ts';
import { createHttpTransport } from '../http-transport.ts';
import { createLogger } from '../logger.ts';
import { makeKeyPair } from '../secrets/keys.ts';
import { shutdownBySignals } from '../shutdown.ts';
import { systemTiming } from '../timing.ts';
import { startTestApi, type TestApi } from './api-server.ts';

export interface AgentFixture {
  api: TestApi;
  workDir: string;
  privateKey: string;
  /** URL of the first queue that the runner polls. */
  queueUrl: string;
  addQueue(name: string): string;
  ring(payload: TaskPayload, queueUrl?: string): void;
  send(body: string, queueUrl?: string): void;
  /** Messages of a queue, visible and not. */
  queued(queueUrl?: string): { ready: number; inFlight: number };
  /** Log lines of the agents. */
  agentLog(): string;
  startAgent(intervals?: Partial<Intervals>, config?: Partial<StartConfig>): RunningAgent;
  close(): Promise<void>;
}

export interface RunningAgent {
  done: Promise<void>;
  /** Asks the agent to end; the second time, at once. */
  signal(): void;
}

const nameOf = (queueUrl: string) => queueUrl.split('/').at(-1) ?? '';

export const createAgentFixture = async (): Promise<AgentFixture> => {
  const sqs = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false, defaultRegion: 'eu-west-1' });
  const { publicKey, privateKey } = makeKeyPair();
  const endpoint = `http://127.0.0.1:${sqs.port}`;
  const api = await startTestApi(publicKey, endpoint);
  const workDir = await mkdtemp(join(tmpdir(), 'reveille-runner-'));
  const addQueue = (name: string) => {
    sqs.createQueue(name);
    const url = `${endpoint}/000000000000/${name}`;
    api.settings = { ...api.settings, queueUrls: [...api.settings.queueUrls, url] };
    return url;
  };
  const queueUrl = addQueue('tasks');
  const agents: RunningAgent[] = [];
  let agentLog = '';
  const log = createLogger(
    (line) => {
      agentLog += line;
    },
    Date.now,
    'debug',
  );

  const startAgent: AgentFixture['startAgent'] = (intervals = {}, given = {}) => {
    const signals = new EventEmitter();
    const shutdown = shutdownBySignals(signals);
    const config: StartConfig = {
      apiUrl: api.url,
      token: api.token,
      privateKey,
      workDir,
      shutdownGraceMs: 0,
      logLevel: 'info',
      ...given,
    };
    const agentOptions = {
      config,
      version: '0.0.0',
      transport: createHttpTransport(),
      timing: systemTiming,
      log,
      path: process.env.PATH ?? '',
      intervals,
    };
    const agent = { done: runUntilReclaimed(agentOptions, shutdown), signal: shutdown.press };
    agents.push(agent);
    return agent;
  };

  const send = (body: string, to = queueUrl) => {
    sqs.sendMessage(nameOf(to), body);
  };

  return {
    api,
    workDir,
    privateKey,
    queueUrl,
    addQueue,
    send,
    ring: ({ projectId, taskId }, to) => send(JSON.stringify({ projectId, taskId }), to),
    queued: (of = queueUrl) => {
      const { messages } = sqs.inspectQueue(nameOf(of)) ?? {};
      return { ready: messages?.ready.length ?? 0, inFlight: messages?.inflight.length ?? 0 };
    },
    agentLog: () => agentLog,
    startAgent,
    close: async () => {
      for (const agent of agents) {
        agent.signal();
        agent.signal();
      }
      await Promise.allSettled(agents.map((agent) => agent.done));
      await api.close();
      await sqs.stop();
      await rm(workDir, { recursive: true, force: true });
    },
  };
};
