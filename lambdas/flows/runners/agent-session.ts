/** Proof of an agent's identity: a challenge that only its private key opens, then a session. */
import type { CredentialsRequest, CredentialsResponse, Instant } from '../../../protocol/index.ts';
import type { VendCredentials } from '../../adapters/runners/runner-credentials.ts';
import { poolOf, type RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { controlQueueOf, queuesOf } from '../../core/tasks/routing.ts';
import type { Deps } from '../deps.ts';
import { settingsOf } from './heartbeat.ts';

type SessionDeps = Pick<Deps, 'agentTokens' | 'queues' | 'seal' | 'runners' | 'now' | 'fleets'> & {
  readonly vendCredentials: VendCredentials;
  readonly region: string;
  /** Endpoint of SQS for agents, when it is not AWS's own. */
  readonly awsEndpoint?: string;
};

const identityOf = (runner: RunnerRecord) => ({
  pool: poolOf(runner),
  runnerId: runner.id,
  credentialVersion: runner.credentialVersion,
});

/** Makes a challenge: an answer that expires soon, encrypted to the runner's key. Stores nothing. */
export const challenge = async (
  deps: Pick<SessionDeps, 'agentTokens' | 'seal'>,
  runner: RunnerRecord,
): Promise<string> => deps.seal(await deps.agentTokens.signAnswer(identityOf(runner)), runner.publicKey);

/**
 * `wrong_answer`: wrong, foreign or late. `agent_running`: another agent has the runner at least until then.
 */
export type SessionResult =
  | { readonly ok: true; readonly session: CredentialsResponse }
  | { readonly ok: false; readonly code: 'wrong_answer' }
  | { readonly ok: false; readonly code: 'agent_running'; readonly until: Instant };

/** Returns the session and the AWS credentials for a right answer of the runner's one agent. */
export const openAgentSession = async (
  deps: SessionDeps,
  runner: RunnerRecord,
  { answer, agentId, isStart }: CredentialsRequest,
): Promise<SessionResult> => {
  const verified = await deps.agentTokens.verifyAnswer(answer);
  const isItsOwn =
    verified.ok &&
    verified.claims.runnerId === runner.id &&
    verified.claims.credentialVersion === runner.credentialVersion;
  if (!isItsOwn) return { ok: false, code: 'wrong_answer' };
  const isKnown = runner.agentId === agentId && !isStart;
  if (!isKnown && !(await deps.runners.enlist(runner, agentId, isStart, deps.now()))) {
    return { ok: false, code: 'agent_running', until: runner.leaseUntil ?? deps.now() };
  }
  const control = controlQueueOf(runner);
  // It exists unless the runner is older than such queues, or an operator has removed it.
  if (isStart) await deps.queues.create(control);
  // An inactive runner reaches no task queue, not even with AWS credentials that outlive its next heartbeat.
  const queues = runner.active ? [...queuesOf(runner), control] : [control];
  const { expiresAt, ...keys } = await deps.vendCredentials(runner.id, queues);
  const session = await deps.agentTokens.signSession({ ...identityOf(runner), agentId }, expiresAt);
  const aws = { region: deps.region, ...keys, endpoint: deps.awsEndpoint };
  return {
    ok: true,
    session: { runnerId: runner.id, session, expiresAt, aws, settings: settingsOf(deps, runner) },
  };
};
