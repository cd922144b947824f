/**
 * Exchanges the runner's token and key for a session and AWS credentials, and renews both well before they
 * expire.
 */

import type { KeyObject } from 'node:crypto';
import type { CredentialsResponse } from '../../protocol/agent.ts';
import { challengeAgent, openAgentSession } from '../../protocol/endpoints/agent.ts';
import type { ApiClient } from '../api-client.ts';
import { ApiProblem, messageOf, RunnerRefused } from '../errors.ts';
import { type Logger, sayRarely } from '../logger.ts';
import { retry } from '../retry.ts';
import { decrypt } from '../secrets/keys.ts';
import type { Timing } from '../timing.ts';

export interface CredentialsOptions {
  api: ApiClient;
  token: string;
  privateKey: KeyObject;
  agentVersion: string;
  /** Distinguishes this agent from another one with the same token. */
  agentId: string;
  /** Time that another agent keeps the runner after its last heartbeat. */
  leaseMs: number;
  timing: Timing;
  log: Logger;
  /** Ends the retries. */
  signal: AbortSignal;
}

export interface Credentials {
  /** Returns the newest credentials; requests the first when there are none. */
  current(): Promise<CredentialsResponse>;
  /**
   * Requests new credentials, and retries until they come. Simultaneous callers share one exchange. Rejects
   * with RunnerRefused when the API does not accept this runner.
   */
  renew(): Promise<CredentialsResponse>;
  /** Makes a call with the session. When the API no longer accepts it, repeats the call with a new one. */
  withSession<T>(call: (session: string) => Promise<T>): Promise<T>;
  /** Renews after two thirds of each lifetime until `signal` aborts. Rejects with RunnerRefused. */
  keepFresh(signal: AbortSignal): Promise<void>;
}

/** Shortest time between renewals, even for credentials that seem to have expired. */
const leastRenewalMs = 5000;
/** Margin beyond another agent's lease, for the API's clock and the next try. */
const rivalGraceMs = 10_000;

/**
 * Returns true when the API refuses the runner. `wrong_answer` is no refusal: a holder of the right key may
 * have answered too late.
 */
const isRefusal = ({ status, code }: ApiProblem): boolean =>
  (status === 401 || status === 403) && code !== 'wrong_answer';

export const createCredentials = (options: CredentialsOptions): Credentials => {
  const { api, token, privateKey, agentVersion, agentId, leaseMs, timing, log, signal } = options;
  const sayTrouble = sayRarely(log.warn, timing.now);
  let newest: CredentialsResponse | undefined;
  let newestAt = 0;
  let isStart = true;
  let rivalSince: number | undefined;
  let renewal: Promise<CredentialsResponse> | undefined;

  const answerTo = (challenge: string) =>
    decrypt(challenge, privateKey).catch((error: unknown) => {
      throw new RunnerRefused(
        "The private key is not the one of this runner's token: take both from the same registration",
        { cause: error },
      );
    });

  const requestSession = async (): Promise<CredentialsResponse> => {
    const call = { bearer: token, signal };
    const { challenge } = await api.call(challengeAgent, call);
    const body = { answer: await answerTo(challenge), agentVersion, agentId, isStart };
    const credentials = await api.call(openAgentSession, { ...call, body });
    isStart = false;
    rivalSince = undefined;
    return credentials;
  };

  /**
   * Returns true when the other agent is alive. The lease of a dead agent expires; one that is still renewed
   * belongs to a live agent.
   */
  const isRivalAlive = (problem: ApiProblem): boolean => {
    if (problem.code !== 'agent_running') return false;
    rivalSince ??= timing.now();
    return timing.now() - rivalSince > leaseMs + rivalGraceMs;
  };

  /** Throws RunnerRefused for a refusal, and any other error as it is. */
  const rethrow = (error: unknown): never => {
    if (error instanceof ApiProblem && (isRefusal(error) || isRivalAlive(error)))
      throw new RunnerRefused(`The API refuses this runner: ${error.message}`, { cause: error });
    throw error;
  };

  const openSession = () =>
    retry(() => requestSession().catch(rethrow), {
      isFinal: (error) => error instanceof RunnerRefused,
      onRetry: (error) => sayTrouble(`${messageOf(error)}; trying again`),
      signal,
      timing,
      baseMs: 500,
      maxMs: 10_000,
    });

  const renew = () => {
    renewal ??= openSession()
      .then((credentials) => {
        newest = credentials;
        newestAt = timing.now();
        return credentials;
      })
      .finally(() => {
        renewal = undefined;
      });
    return renewal;
  };

  const current = async () => newest ?? renew();

  return {
    current,
    renew,
    withSession: async (call) => {
      const used = await current();
      try {
        return await call(used.session);
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.status !== 401) throw error;
        const fresh = newest === used ? await renew() : await current();
        return call(fresh.session);
      }
    },
    keepFresh: async (until) => {
      while (!until.aborted) {
        const { expiresAt } = await current();
        const lifetimeMs = Date.parse(expiresAt) - newestAt;
        const dueAt = newestAt + Math.max(leastRenewalMs, (lifetimeMs * 2) / 3);
        if (timing.now() < dueAt) await timing.sleep(dueAt - timing.now(), until);
        else await renew();
      }
    },
  };
};
