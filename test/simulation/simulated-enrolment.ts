/** How an instance that a fleet launched comes by its runner's credentials: by the real flow, and STS believes everybody. */
import type { IdentifyCaller } from '../../lambdas/adapters/runners/caller-identity.ts';
import { makeKeyPair } from '../../lambdas/adapters/secrets/payload-encryption.ts';
import { enroll } from '../../lambdas/flows/runners/enroll.ts';
import type { ControlPlane, Platform } from './control-plane.ts';
import { simulatedFleets } from './simulated-ec2.ts';

/** Of all runners, made once, as nothing is encrypted here. */
export const { publicKey } = makeKeyPair();

/** The signature says whose it is. */
export const identifyCaller: IdentifyCaller = async ({ authorization }) => {
  const [roleName = '', sessionName = ''] = authorization.split('#');
  return { ok: true, identity: { account: 'simulated', roleName, sessionName } };
};

export interface EnrolmentOptions {
  readonly platform: Pick<Platform, 'time' | 'chance' | 'faults' | 'trace'>;
  readonly control: ControlPlane;
  readonly instanceId: string;
  readonly fleet: string;
  /** Whether the instance is still on. */
  readonly isOn: () => boolean;
}

const clientTimeoutMs = 10_000;

/** Tries until it is taken; gives the version of the credentials that it got. Undefined when the instance was switched off first. */
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
