/** Time-based one-time codes (RFC 6238), as authenticator apps show them. Imports their package on demand. */
import { epochMs, type Instant } from '../../../protocol/index.ts';
import type { RandomBytes } from '../../adapters/runners/registration-tokens.ts';

/** 160 bits, as RFC 4226 recommends (section 4). */
const secretBytes = 20;
const periodSeconds = 30;
/** One step early or late, for clock drift and typing time (RFC 6238, section 5.2). */
const window = 1;

const make = async (label: string, secret: string) => {
  const { Secret, TOTP } = await import('otpauth');
  return new TOTP({ issuer: 'Reveille', label, secret: Secret.fromBase32(secret), period: periodSeconds });
};

export const newTotp = async (
  label: string,
  randomBytes: RandomBytes,
): Promise<{ secret: string; uri: string }> => {
  const { Secret } = await import('otpauth');
  const secret = new Secret({ buffer: Uint8Array.from(randomBytes(secretBytes)).buffer }).base32;
  return { secret, uri: (await make(label, secret)).toString() };
};

/** Returns the time step of the code; undefined for a wrong code, or one from another time. */
export const totpStepOf = async (secret: string, code: string, now: Instant): Promise<number | undefined> => {
  const timestamp = epochMs(now);
  const delta = (await make('', secret)).validate({ token: code, timestamp, window });
  return delta === null ? undefined : Math.floor(timestamp / 1000 / periodSeconds) + delta;
};
