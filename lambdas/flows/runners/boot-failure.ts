/** A first boot that failed before its agent came up: its script reports it, as a failed start. */
import {
  type BootFailureRequest,
  bootFailureHeader,
  bootFailureText,
  type Instant,
  msBetween,
} from '../../../protocol/index.ts';
import type { Deps } from '../deps.ts';
import { stopFailedStartSoon } from './power.ts';
import { type ProofDeps, type ProofRefusal, proveInstance } from './prove-instance.ts';

export type BootFailureDeps = ProofDeps & Pick<Deps, 'settlePowerSoon'>;

type Noted =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: ProofRefusal; readonly detail: string };

/** Converts an X-Amz-Date such as `20261129T211500Z` to an instant. */
const signedAt = (date: string): Instant =>
  date.replace(/^(....)(..)(..T..)(..)(..)Z$/, '$1-$2-$3:$4:$5.000Z');

/**
 * Counts the start as failed at once, and has the instance stopped. A report that was signed before the
 * current start belongs to an earlier one, and a runner that is not starting cannot fail: both change
 * nothing, so a report may be repeated.
 */
export const noteBootFailure = async (deps: BootFailureDeps, report: BootFailureRequest): Promise<Noted> => {
  const proven = await proveInstance(deps, report, bootFailureHeader, bootFailureText(report));
  if (!proven.ok) return proven;
  const { runner, instanceId } = proven;
  if (runner.status !== 'starting' || msBetween(runner.statusSince, signedAt(report.date)) < 0)
    return { ok: true };
  const said = report.detail === '' ? 'It printed nothing.' : `Its last lines: ${report.detail}`;
  const detail = `The first boot of ${instanceId} failed at "${report.step}". ${said}`;
  // If the invocation fails, the reconciler stops the instance.
  await stopFailedStartSoon(deps, runner, 'boot_failed', detail);
  return { ok: true };
};
