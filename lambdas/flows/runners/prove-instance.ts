/** Verifies by a signed GetCallerIdentity which instance of a fleet calls, and for which runner. */
import { type IdentityProof, instanceId, type ProofSubject } from '../../../protocol/index.ts';
import type { IdentifyCaller } from '../../adapters/runners/caller-identity.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { fleetOf } from '../../core/fleets/fleets.ts';
import type { Deps } from '../deps.ts';

export type ProofDeps = Pick<Deps, 'now' | 'log' | 'runners' | 'fleets'> & {
  readonly identifyCaller: IdentifyCaller;
  /** AWS account of the control plane. */
  readonly accountId: string;
};

export type ProofRefusal = 'enrolment_refused' | 'unavailable' | 'try_later';
type Proven =
  | { readonly ok: true; readonly runner: RunnerRecord; readonly instanceId: string }
  | { readonly ok: false; readonly code: ProofRefusal; readonly detail: string };

const refuse = (code: ProofRefusal, detail: string): Proven => ({ ok: false, code, detail });

/** Returns the runner whose instance signed; `subject` is the header that binds the proof to the text. */
export const proveInstance = async (
  deps: ProofDeps,
  proof: IdentityProof,
  subject: ProofSubject,
  text: string,
): Promise<Proven> => {
  if (!deps.fleets.some(({ region }) => region === proof.region))
    return refuse('enrolment_refused', `There is no fleet in ${proof.region}.`);
  const identified = await deps.identifyCaller(proof, subject, text);
  if (!identified.ok)
    return refuse(identified.code === 'refused' ? 'enrolment_refused' : 'unavailable', identified.detail);
  const { account, roleName, sessionName } = identified.identity;
  if (account !== deps.accountId)
    return refuse(
      'enrolment_refused',
      `The instance is in the account ${account}, not in the account of Reveille.`,
    );
  const role = deps.fleets.find(
    (fleet) => fleet.launchTemplate === roleName && fleet.region === proof.region,
  );
  if (!role || !instanceId.safeParse(sessionName).success)
    return refuse(
      'enrolment_refused',
      `${roleName} is not the role of instances of a fleet in ${proof.region}.`,
    );
  const runner = await deps.runners.findByInstance(sessionName);
  if (!runner)
    return refuse(
      'try_later',
      `No runner has the instance ${sessionName} yet. Try again: Reveille knows it soon after its launch.`,
    );
  if (fleetOf(deps.fleets, runner)?.name !== role.name)
    return refuse(
      'enrolment_refused',
      `${sessionName} is the instance of a runner of another fleet, or of none.`,
    );
  return { ok: true, runner, instanceId: sessionName };
};
