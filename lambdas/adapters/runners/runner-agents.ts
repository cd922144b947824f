/** Whose a runner is: the agent's credentials, its enlistment and its lease. */
import type { Instant } from '../../../protocol/index.ts';
import type { Condition } from '../expressions.ts';
import type { ChangeRunner, RunnerRecord, RunnerRef } from './runner-record.ts';

/** What an agent tells of itself in a heartbeat. */
export interface Beat {
  readonly agentVersion: string;
  readonly agentId?: string | undefined;
  readonly credentialVersion?: number | undefined;
  readonly draining?: boolean | undefined;
  readonly leaving?: boolean | undefined;
}

/** That the runner's agent is this one. Without an id nothing is asked. */
export const isAgent = (agentId: string | undefined): Condition[] =>
  agentId === undefined ? [] : [['=', 'agentId', agentId]];

/** That the session began with the credentials that are good now. */
export const isCurrent = (credentialVersion: number | undefined): Condition =>
  credentialVersion === undefined
    ? ['missing', 'credentialVersion']
    : ['=', 'credentialVersion', credentialVersion];

export const runnerAgents = (change: ChangeRunner) => ({
  /**
   * The agent of its instance has a key and a token of its own; what was given before is good for nothing. Refused while the lease of
   * an agent goes on, or when it has another instance.
   */
  enroll: (
    ref: RunnerRef,
    instanceId: string,
    given: Pick<RunnerRecord, 'publicKey' | 'tokenHash'>,
    now: Instant,
  ) =>
    change(
      ref,
      {
        set: { ...given, enrolledAt: now },
        add: { credentialVersion: 1 },
        unset: ['previousToken', 'agentId'],
      },
      [
        ['=', 'instanceId', instanceId],
        ['any', ['missing', 'agentId'], ['missing', 'leaseUntil'], ['<', 'leaseUntil', now]],
      ],
    ),

  /**
   * Makes an agent the runner's own. Refused while the lease of another goes on, or when its
   * credentials were revoked since it was read. With `isStart` a drain of the agent before is over.
   */
  enlist: (
    runner: RunnerRef & Pick<RunnerRecord, 'credentialVersion'>,
    agentId: string,
    isStart: boolean,
    now: Instant,
  ) =>
    change(
      runner,
      { set: { agentId, ...(isStart && { drainRequestedAt: undefined, drainAnnouncedAt: undefined }) } },
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
   * Renews the lease of all that it holds. Refused when another agent has taken this one's place, or its credentials were revoked.
   * One without `draining` withdraws a goodbye that an earlier agent of the same machine sent and that arrived late.
   */
  heartbeat: (
    ref: RunnerRef,
    now: Instant,
    leaseUntil: Instant,
    { agentVersion, agentId, credentialVersion, draining = false, leaving = false }: Beat,
  ) =>
    change(
      ref,
      {
        set: {
          heartbeatAt: now,
          leaseUntil,
          agentVersion,
          ...(!draining && { drainAnnouncedAt: undefined }),
          ...(leaving && { agentId: undefined }),
        },
        ...(draining && { setIfMissing: { drainAnnouncedAt: now } }),
      },
      [...isAgent(agentId), isCurrent(credentialVersion)],
    ),

  /** A new token beside the one before, which stays good until then; sessions go on. */
  rotateToken: (runner: RunnerRecord, tokenHash: string, validUntil: Instant) =>
    change(runner, { set: { tokenHash, previousToken: { hash: runner.tokenHash, validUntil } } }, [
      ['=', 'tokenHash', runner.tokenHash],
    ]),

  /**
   * A new token in place of any before, whose sessions end with it: the next agent to ask may have the runner. The instance that a
   * fleet launched cannot learn it, and is replaced.
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
