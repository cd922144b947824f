/** API calls that the agent makes with its session. */

import type {
  ClaimRequest,
  ClaimResponse,
  DrainResponse,
  FinishRequest,
  HeartbeatRequest,
  HeartbeatResponse,
  LogRequest,
} from '../protocol/agent.ts';
import * as endpoints from '../protocol/endpoints/agent.ts';
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

export const createAgentApi = (api: ApiClient, { withSession }: Credentials): AgentApi => ({
  claim: (body) => withSession((bearer) => api.call(endpoints.claimTask, { bearer, body, isOnce: true })),
  heartbeat: (body) => withSession((bearer) => api.call(endpoints.sendHeartbeat, { bearer, body })),
  drain: () => withSession((bearer) => api.call(endpoints.offerSleep, { bearer })),
  log: (body, signal) =>
    withSession((bearer) => api.call(endpoints.appendLog, { bearer, body, signal, timeoutMs: logTimeoutMs })),
  awaitConfirmation: (lease) =>
    withSession((bearer) => api.call(endpoints.awaitConfirmation, { bearer, body: { lease } })),
  finish: (body) => withSession((bearer) => api.call(endpoints.finishTask, { bearer, body })),
});
