/** Calls of agents: registration and proof with a token, all others within a session. */

import type { Context } from 'hono';
import * as endpoints from '../../../protocol/endpoints/agent.ts';
import type { Runner } from '../../../protocol/index.ts';
import { registrationBySource } from '../../adapters/people/rate-limits.ts';
import type { AgentIdentity, Lease } from '../../adapters/runners/agent-tokens.ts';
import { poolOf } from '../../adapters/runners/runner-record.ts';
import { isPublicKey } from '../../adapters/secrets/payload-encryption.ts';
import type { Pool } from '../../adapters/table.ts';
import { challenge, openAgentSession } from '../../flows/runners/agent-session.ts';
import { drain, heartbeat } from '../../flows/runners/heartbeat.ts';
import { claimTask } from '../../flows/tasks/claim.ts';
import { awaitConfirmation } from '../../flows/tasks/confirm.ts';
import { appendLog, finishTask } from '../../flows/tasks/report.ts';
import type { AgentEnv, ApiDeps, ApiEnv, RunnerEnv } from '../deps.ts';
import { bearerToken, requireRunner, requireSession } from '../middleware.ts';
import { type Attempt, countAttempts, forgetAttempts, refuseTooMany } from '../rate-limits.ts';
import { refuse } from '../refuse.ts';
import { routeOf, routes } from '../route.ts';
import { makeRunner } from './new-runner.ts';
import { pathOfRunner } from './scope.ts';
import { unregister } from './unregister.ts';

/** Records a change that a machine made by itself, in the trail of its project or of the stack. */
const recordByMachine = (
  { audit }: Pick<ApiDeps, 'audit'>,
  request: { readonly source: string; readonly requestId: string },
  operation: 'registerRunner' | 'unregisterRunner',
  pool: Pool,
  { id, name }: Pick<Runner, 'id' | 'name'>,
): Promise<void> =>
  audit.record(pool === 'global' ? 'stack' : pool, {
    actor: { id, name },
    operation,
    target: pathOfRunner(pool, id),
    object: { kind: 'runners', id, name },
    ...request,
  });

/** Calls with a registration token: a machine becomes a runner. */
export const registerRoutes = (deps: ApiDeps) =>
  routes<ApiEnv>().openapi(routeOf(endpoints.registerRunner), async (c) => {
    const { publicKey, ...input } = c.req.valid('json');
    if (!(await isPublicKey(publicKey))) {
      return refuse(c, 'invalid_request', 'The public key is not an X25519 key in PEM (SPKI).', [
        { path: 'publicKey', message: 'must be an X25519 public key in PEM' },
      ]);
    }
    const token = bearerToken(c.req.header('authorization')) ?? '';
    const counted: Attempt[] = [[registrationBySource, deps.sourceOf(c)]];
    const reached = await countAttempts(deps, c, counted);
    if (reached) return refuseTooMany(c, deps.attempts, reached);
    const registration = await deps.registrationTokens.take(token);
    if (!registration) {
      const detail = 'The registration token is unknown, expired or used up. Create a new one.';
      return refuse(c, 'registration_token_used', detail);
    }
    await forgetAttempts(deps.attempts, counted);
    const runnerInput = { ...input, tags: registration.tags, active: true };
    const named = input.instanceId === undefined ? {} : { instanceNamedBy: 'machine' as const };
    const asMachine = { isMachine: true, ...named };
    const result = await makeRunner(deps, registration.pool, runnerInput, { publicKey }, asMachine);
    if (result.ok) {
      const request = { source: deps.sourceOf(c), requestId: c.get('requestId') };
      await recordByMachine(deps, request, 'registerRunner', registration.pool, result.made.runner);
      return c.json(result.made, 201);
    }
    await deps.registrationTokens.giveBack(token);
    return refuse(c, 'instance_taken', `${input.instanceId} is bound to another runner.`);
  });

const all = Object.values(endpoints);
const withRunnerToken = all.filter(({ access }) => access === 'runner_token');
const withSession = all.filter(({ access }) => access === 'agent_session');

/** Calls with the token of a runner: proof of its private key, and its removal. */
export const runnerTokenRoutes = (deps: ApiDeps) => {
  const app = routes<RunnerEnv>();
  const requireToken = requireRunner(deps.runners, deps.now);
  for (const { path } of withRunnerToken) app.use(path, requireToken);
  return app
    .openapi(routeOf(endpoints.challengeAgent), async (c) =>
      c.json({ challenge: await challenge(deps, c.get('runner')) }, 200),
    )
    .openapi(routeOf(endpoints.openAgentSession), async (c) => {
      const result = await openAgentSession(deps, c.get('runner'), c.req.valid('json'));
      if (result.ok) return c.json(result.session, 200);
      return result.code === 'agent_running'
        ? refuse(
            c,
            'agent_running',
            `Another agent runs with this runner's token; its lease goes until ${result.until}. Stop it, or register this machine as a runner of its own.`,
          )
        : refuse(
            c,
            'wrong_answer',
            'The answer is wrong, or came after more than a minute. Ask for a new challenge.',
          );
    })
    .openapi(routeOf(endpoints.unregisterRunner), async (c) => {
      const runner = c.get('runner');
      if (!(await unregister(deps, runner))) {
        return refuse(
          c,
          'in_use',
          'Tasks run on the runner or are assigned to it. Make it inactive, wait until they have ended, then try again.',
        );
      }
      const request = { source: deps.sourceOf(c), requestId: c.get('requestId') };
      await recordByMachine(deps, request, 'unregisterRunner', poolOf(runner), runner);
      return c.body(null, 204);
    });
};

/** A lease of another agent, or a malformed one, counts as lost. */
const verifyLease = async (
  deps: Pick<ApiDeps, 'agentTokens'>,
  agent: AgentIdentity,
  token: string,
): Promise<{ ok: true; lease: Lease } | { ok: false; code: 'lease_expired' | 'lease_lost' }> => {
  const verified = await deps.agentTokens.verifyLease(token);
  if (!verified.ok) return { ok: false, code: verified.code === 'expired' ? 'lease_expired' : 'lease_lost' };
  const isOwn = verified.claims.runnerId === agent.runnerId && verified.claims.pool === agent.pool;
  return isOwn ? { ok: true, lease: verified.claims } : { ok: false, code: 'lease_lost' };
};

const refuseLease = (c: Context, code: 'lease_expired' | 'lease_lost') =>
  refuse(
    c,
    code,
    code === 'lease_expired'
      ? 'The lease is over. Send a heartbeat; it answers with a new one, or says that the task is lost.'
      : 'The task is not this agent’s, or not any more. Forget it.',
  );

const claimRefusals = {
  not_claimable: 'The task does not wait for this runner (any more). Forget the doorbell.',
  try_later: 'The runner has no free slot, or is not online. Put the doorbell back.',
} as const;

/** Calls within a session: the work. */
export const sessionRoutes = (deps: ApiDeps) => {
  const app = routes<AgentEnv>();
  const requireIt = requireSession(deps.agentTokens);
  for (const { path } of withSession) app.use(path, requireIt);
  return app
    .openapi(routeOf(endpoints.claimTask), async (c) => {
      const result = await claimTask(deps, c.get('agent'), c.req.valid('json'));
      return result.ok ? c.json(result.claim, 200) : refuse(c, result.code, claimRefusals[result.code]);
    })
    .openapi(routeOf(endpoints.sendHeartbeat), async (c) => {
      const beat = await heartbeat(deps, c.get('agent'), c.req.valid('json'));
      return beat
        ? c.json(beat, 200)
        : refuse(c, 'unauthenticated', 'The runner was removed, or another agent has replaced this one.');
    })
    .openapi(routeOf(endpoints.offerSleep), async (c) => c.json(await drain(deps, c.get('agent')), 200))
    .openapi(routeOf(endpoints.appendLog), async (c) => {
      const { lease, chunks } = c.req.valid('json');
      const verified = await verifyLease(deps, c.get('agent'), lease);
      if (!verified.ok) return refuseLease(c, verified.code);
      const stored = await appendLog(deps, verified.lease, chunks);
      return stored ? c.json(stored, 200) : refuseLease(c, 'lease_lost');
    })
    .openapi(routeOf(endpoints.awaitConfirmation), async (c) => {
      const verified = await verifyLease(deps, c.get('agent'), c.req.valid('json').lease);
      if (!verified.ok) return refuseLease(c, verified.code);
      return (await awaitConfirmation(deps, verified.lease))
        ? c.body(null, 204)
        : refuseLease(c, 'lease_lost');
    })
    .openapi(routeOf(endpoints.finishTask), async (c) => {
      const report = c.req.valid('json');
      const verified = await verifyLease(deps, c.get('agent'), report.lease);
      if (!verified.ok) return refuseLease(c, verified.code);
      const result = await finishTask(deps, verified.lease, report);
      return result.ok ? c.body(null, 204) : refuseLease(c, result.code);
    });
};
