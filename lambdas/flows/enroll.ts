/** Enrolment: the instance that a fleet launched for a runner gets the runner's credentials, for proof of which instance it is. */
import type { EnrollRequest } from '../../protocol/index.ts';
import { instanceId } from '../../protocol/index.ts';
import type { IdentifyCaller } from '../adapters/caller-identity.ts';
import type { SeenEnrolments } from '../adapters/enrolments.ts';
import type { RunnerRecord } from '../adapters/runner-record.ts';
import { fleetOf } from '../core/fleets.ts';
import type { Deps } from './deps.ts';

export type EnrollDeps = Pick<Deps, 'now' | 'log' | 'runners' | 'fleets'> & {
  readonly identifyCaller: IdentifyCaller;
  readonly enrolments: SeenEnrolments;
  /** The account of the control plane. */
  readonly accountId: string;
};

export type EnrollRefusal = 'enrolment_refused' | 'unavailable' | 'try_later' | 'agent_running';
export type Enrolled =
  | { readonly ok: true; readonly runner: RunnerRecord }
  | { readonly ok: false; readonly code: EnrollRefusal; readonly detail: string };

const refuse = (code: EnrollRefusal, detail: string): Enrolled => ({ ok: false, code, detail });

/**
 * Stores the public key and the token of the runner whose instance signed the request; they take the place of any before. While
 * the runner's agent is heard of, nobody can: a task that reads its machine's credentials cannot take over its runner.
 */
export const enroll = async (
  deps: EnrollDeps,
  request: EnrollRequest,
  tokenHash: string,
): Promise<Enrolled> => {
  if (!deps.fleets.some(({ region }) => region === request.region))
    return refuse('enrolment_refused', `There is no fleet in ${request.region}.`);
  const identified = await deps.identifyCaller(request);
  if (!identified.ok)
    return refuse(identified.code === 'refused' ? 'enrolment_refused' : 'unavailable', identified.detail);
  const { account, roleName, sessionName } = identified.identity;
  if (account !== deps.accountId)
    return refuse(
      'enrolment_refused',
      `The instance is in the account ${account}, and not in that of Reveille.`,
    );
  const role = deps.fleets.find(
    (fleet) => fleet.launchTemplate === roleName && fleet.region === request.region,
  );
  if (!role || !instanceId.safeParse(sessionName).success)
    return refuse(
      'enrolment_refused',
      `${roleName} is not the role of instances of a fleet in ${request.region}.`,
    );
  const runner = await deps.runners.findByInstance(sessionName);
  if (!runner)
    return refuse(
      'try_later',
      `No runner has ${sessionName} (yet). Ask again: it is known soon after its launch.`,
    );
  if (fleetOf(deps.fleets, runner)?.name !== role.name)
    return refuse(
      'enrolment_refused',
      `${sessionName} is the instance of a runner of another fleet, or of none.`,
    );
  if (!(await deps.enrolments.firstSight(request.authorization, deps.now())))
    return refuse('enrolment_refused', 'This signature was used before. Sign anew.');
  const { publicKey } = request;
  const enrolled = await deps.runners.enroll(runner, sessionName, { publicKey, tokenHash }, deps.now());
  if (!enrolled)
    return refuse(
      'agent_running',
      `The runner's agent is at work. Its lease goes until ${runner.leaseUntil}.`,
    );
  deps.log('An instance has enrolled', { runnerId: runner.id, instanceId: sessionName });
  return { ok: true, runner: enrolled };
};
