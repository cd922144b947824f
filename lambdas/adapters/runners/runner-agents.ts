/** Agent of a runner: its credentials, enlistment and lease. */
import type { Instant } from '../../../protocol/index.ts';
import type { Condition } from '../expressions.ts';
import type { ChangeRunner, RunnerRecord, RunnerRef } from './runner-record.ts';

/** Report of an agent in a heartbeat. */
export interface Beat {
  readonly agentVersion: string;
  readonly agentId?: string;
  readonly credentialVersion?: number;
  readonly draining?: boolean;
  readonly leaving?: boolean;
  readonly tasksShareUser?: boolean;
}

/** The runner's agent is this one. Without an id there is no condition. */
export const isAgent = (agentId: string | undefined): Condition[] =>
  agentId === undefined ? [] : [['=', 'agentId', agentId]];

/** The session began with the current credentials. */
export const isCurrent = (credentialVersion: number | undefined): Condition =>
  credentialVersion === undefined
    ? ['missing', 'credentialVersion']
    : ['=', 'credentialVersion', credentialVersion];

export const runnerAgents = (change: ChangeRunner) => ({
  /**
   * Gives the agent of the runner's instance a new key and token; earlier ones are void. Refused while
   * another agent's lease lasts, when the runner has another instance, or when the instance has enrolled by a
   * later signature: a slow call must not void what the instance got by asking again. Refused too once an
   * agent of the instance has worked: what asks then may be a task that can use the instance's role. `date`
   * is X-Amz-Date.
   */
  enroll: (
    ref: RunnerRef,
    instanceId: string,
    { date, ...given }: Pick<RunnerRecord, 'publicKey' | 'tokenHash'> & { readonly date: string },
    now: Instant,
  ) =>
    change(
      ref,
      {
        set: { ...given, enrolledAt: now, provenInstance: instanceId, provenDate: date },
        add: { credentialVersion: 1 },
        unset: ['previousToken', 'agentId'],
      },
      [
        ['=', 'instanceId', instanceId],
        ['any', ['missing', 'enlistedInstance'], ['<>', 'enlistedInstance', instanceId]],
        ['any', ['missing', 'agentId'], ['missing', 'leaseUntil'], ['<', 'leaseUntil', now]],
        [
          'any',
          ['missing', 'provenInstance'],
          ['<>', 'provenInstance', instanceId],
          ['<=', 'provenDate', date],
        ],
      ],
    ),

  /**
   * Makes an agent the runner's own. Refused while another agent's lease lasts, or when its credentials were
   * revoked since it was read. `isStart` ends a drain of the agent before.
   */
  enlist: (
    runner: RunnerRef & Pick<RunnerRecord, 'credentialVersion' | 'provenInstance'>,
    agentId: string,
    isStart: boolean,
    now: Instant,
  ) =>
    change(
      runner,
      {
        set: {
          agentId,
          ...(runner.provenInstance !== undefined && { enlistedInstance: runner.provenInstance }),
          ...(isStart && { drainRequestedAt: undefined, drainAnnouncedAt: undefined }),
        },
      },
      [
        isCurrent(runner.credentialVersion),
        [
          'any',
          ['missing', 'agentId'],
          ['=', 'agentId', agentId],
          ['missing', 'leaseUntil'],
          ['<', 'leaseUntil', now],
        ],
      ],
    ),

  /**
   * Renews the leases of all tasks of the agent. Refused when another agent has replaced it, or its
   * credentials were revoked. Without `draining` it withdraws a late goodbye of an earlier agent on the same
   * machine.
   */
  heartbeat: (
    ref: RunnerRef,
    now: Instant,
    leaseUntil: Instant,
    { agentVersion, agentId, credentialVersion, draining = false, leaving = false, tasksShareUser }: Beat,
  ) =>
    change(
      ref,
      {
        set: {
          heartbeatAt: now,
          leaseUntil,
          agentVersion,
          tasksShareUser,
          ...(!draining && { drainAnnouncedAt: undefined }),
          ...(leaving && { agentId: undefined }),
        },
        setIfMissing: draining ? { drainAnnouncedAt: now } : undefined,
      },
      [...isAgent(agentId), isCurrent(credentialVersion)],
    ),

  /** Adds a new token; the old one stays valid until `validUntil`, and sessions go on. */
  rotateToken: (runner: RunnerRecord, tokenHash: string, validUntil: Instant) =>
    change(runner, { set: { tokenHash, previousToken: { hash: runner.tokenHash, validUntil } } }, [
      ['=', 'tokenHash', runner.tokenHash],
    ]),

  /**
   * Replaces all tokens and ends their sessions: the next agent to ask may have the runner. A fleet's
   * instance cannot learn the new token, and is replaced.
   */
  revokeToken: (ref: RunnerRef, tokenHash: string) =>
    change(
      ref,
      {
        set: { tokenHash },
        add: { credentialVersion: 1 },
        unset: ['previousToken', 'agentId', 'enrolledAt'],
      },
      [],
    ),
});
