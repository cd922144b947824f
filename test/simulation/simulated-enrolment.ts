/**
 * Enrolment of an instance that a fleet launched: the real flow, with an STS that accepts every signature.
 */
import type { IdentifyCaller } from '../../lambdas/adapters/runners/caller-identity.ts';
import { makeKeyPair } from '../../lambdas/adapters/secrets/payload-encryption.ts';
import { enroll } from '../../lambdas/flows/runners/enroll.ts';
import type { ControlPlane, Platform } from './control-plane.ts';
import { simulatedFleets } from './simulated-ec2.ts';

/** Public key of all runners, made once because nothing is encrypted here. */
export const { publicKey } = makeKeyPair();

/** Reads the identity from the signature itself. */
export const identifyCaller: IdentifyCaller = async ({ authorization }) => {
  const [roleName = '', sessionName = ''] = authorization.split('#');
  return { ok: true, identity: { account: 'simulated', roleName, sessionName } };
};

export interface EnrolmentOptions {
  readonly platform: Pick<Platform, 'time' | 'chance' | 'faults' | 'trace'>;
  readonly control: ControlPlane;
  readonly instanceId: string;
  readonly fleet: string;
  /** Returns true while the instance is on. */
  readonly isOn: () => boolean;
}

const clientTimeoutMs = 10_000;

/**
 * Retries until the enrolment is accepted; returns the version of the credentials. Undefined when the
 * instance was switched off first.
 */
export const enrollInstance = async (options: EnrolmentOptions): Promise<number | undefined> => {
  const { platform, control, instanceId, fleet, isOn } = options;
  const { time, chance, faults, trace } = platform;
  const plan = simulatedFleets.find(({ name }) => name === fleet);
  if (!plan) throw new Error(`There is no fleet ${fleet}.`);
  for (let tries = 1; isOn(); tries++) {
    const request = {
      publicKey,
      region: plan.region,
      date: '',
      sessionToken: '',
      authorization: `${plan.launchTemplate}#${instanceId}#${tries}`,
    };
    await time.sleep(chance.between(2, 40));
    const answer = await control
      .api('enroll', (deps) => enroll(deps, request, `hash of ${instanceId}`))
      .catch((error: unknown) => ({ ok: false as const, code: 'unavailable', detail: String(error) }));
    if (faults.hit('response lost')) await time.sleep(clientTimeoutMs);
    else if (answer.ok) return isOn() ? answer.runner.credentialVersion : undefined;
    else trace(`instance ${instanceId.slice(-4)} is not enrolled: ${answer.code}, ${answer.detail}`);
    await time.sleep(chance.between(1000, 10_000));
  }
  return undefined;
};
