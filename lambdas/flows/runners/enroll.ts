/** Enrolment: an instance that a fleet launched proves its identity and gets its runner's credentials. */
import { type EnrollRequest, keyHeader } from '../../../protocol/index.ts';
import type { SeenEnrolments } from '../../adapters/runners/enrolments.ts';
import type { RunnerRecord } from '../../adapters/runners/runner-record.ts';
import { type ProofDeps, type ProofRefusal, proveInstance } from './prove-instance.ts';

export type EnrollDeps = ProofDeps & { readonly enrolments: SeenEnrolments };

type EnrollRefusal = ProofRefusal | 'agent_running';
export type Enrolled =
  | { readonly ok: true; readonly runner: RunnerRecord }
  | { readonly ok: false; readonly code: EnrollRefusal; readonly detail: string };

const refuse = (code: EnrollRefusal, detail: string): Enrolled => ({ ok: false, code, detail });

/**
 * Stores the public key and the token of the runner whose instance signed the request; they replace earlier
 * ones. Refuses while the lease of the runner's agent lasts, and once an agent of the instance has worked: a
 * task may be able to read its machine's credentials, and must not take over its runner.
 */
export const enroll = async (
  deps: EnrollDeps,
  request: EnrollRequest,
  tokenHash: string,
): Promise<Enrolled> => {
  const proven = await proveInstance(deps, request, keyHeader, request.publicKey);
  if (!proven.ok) return proven;
  const { runner, instanceId } = proven;
  if (!(await deps.enrolments.firstSight(request.authorization, deps.now())))
    return refuse('enrolment_refused', 'This signature was used before. Sign a new request.');
  const { publicKey, date } = request;
  const given = { publicKey, tokenHash, date };
  const enrolled = await deps.runners.enroll(runner, instanceId, given, deps.now());
  if (!enrolled && runner.enlistedInstance === instanceId)
    return refuse(
      'enrolment_refused',
      'An agent of this instance has worked already, and an instance enrols once. Terminate it: Reveille launches another one when there is work.',
    );
  if (!enrolled && runner.agentId === undefined)
    return refuse(
      'try_later',
      'The instance has enrolled with a later signature, or was replaced. Sign a new request.',
    );
  if (!enrolled)
    return refuse(
      'agent_running',
      `The runner's agent is at work. Its lease goes until ${runner.leaseUntil}.`,
    );
  deps.log.info('An instance has enrolled', { runnerId: runner.id, instanceId });
  return { ok: true, runner: enrolled };
};
