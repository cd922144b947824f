/** API calls that the agent makes with its session. */
import {
  type ClaimRequest,
  type ClaimResponse,
  claimResponse,
  type DrainResponse,
  drainResponse,
  type FinishRequest,
  type HeartbeatRequest,
  type HeartbeatResponse,
  heartbeatResponse,
  type LogRequest,
  logResponse,
} from '../protocol/agent.ts';
import type { ApiClient } from './api-client.ts';
import type { Credentials } from './queue/credentials.ts';

export interface AgentApi {
  claim(request: ClaimRequest): Promise<ClaimResponse>;
  heartbeat(request: HeartbeatRequest): Promise<HeartbeatResponse>;
  drain(): Promise<DrainResponse>;
  log(request: LogRequest, signal: AbortSignal): Promise<{ stop: boolean }>;
  awaitConfirmation(lease: string): Promise<void>;
  finish(request: FinishRequest): Promise<void>;
}

/** Timeout for up to 1.5 MiB of log on a slow network. */
const logTimeoutMs = 60_000;
const nothing = { parse: () => undefined };

export const createAgentApi = (api: ApiClient, { withSession }: Credentials): AgentApi => ({
  claim: (body) =>
    withSession((bearer) => api.post({ path: 'claim', bearer, body, response: claimResponse, isOnce: true })),
  heartbeat: (body) =>
    withSession((bearer) => api.post({ path: 'heartbeat', bearer, body, response: heartbeatResponse })),
  drain: () => withSession((bearer) => api.post({ path: 'drain', bearer, response: drainResponse })),
  log: (body, signal) =>
    withSession((bearer) =>
      api.post({ path: 'log', bearer, body, response: logResponse, signal, timeoutMs: logTimeoutMs }),
    ),
  awaitConfirmation: (lease) =>
    withSession((bearer) =>
      api.post({ path: 'await-confirmation', bearer, body: { lease }, response: nothing }),
    ),
  finish: (body) => withSession((bearer) => api.post({ path: 'finish', bearer, body, response: nothing })),
});
