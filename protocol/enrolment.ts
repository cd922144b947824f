/**
 * Proof of an instance that a fleet launched, without a secret in its user data. The instance signs STS's
 * GetCallerIdentity with its instance profile's credentials and sends the signature. STS answers exactly that
 * request with the instance's id, which is the name of the role's session. The signature covers the API's
 * host and the public key.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
import * as z from 'zod';
import { runnerId } from './ids.ts';
import { region, registerRequest } from './runner.ts';
import { written } from './text.ts';

/** Header with the host of the API for which the signature is made, so that it is useless to another host. */
export const serverHeader = 'x-reveille-server';
/**
 * Header with the SHA-256 of the public key in base64url, so that a copied signature works with no other key.
 */
export const keyHeader = 'x-reveille-key';

/**
 * Header with the SHA-256 of a failed first boot's report in base64url, so that the proof is valid for that
 * report only.
 */
export const bootFailureHeader = 'x-reveille-boot-failure';

/** Purpose of a proof, by a separate header: a proof for a report enrols nobody, and the other way round. */
export type ProofSubject = typeof keyHeader | typeof bootFailureHeader;

/** Headers that must be signed. */
export const signedIdentityHeaders = (subject: ProofSubject): readonly string[] =>
  ['content-type', 'host', subject, serverHeader, 'x-amz-date', 'x-amz-security-token'].sort();

/** Constant parts of the request. */
export const identityRequest = {
  contentType: 'application/x-www-form-urlencoded; charset=utf-8',
  body: 'Action=GetCallerIdentity&Version=2011-06-15',
} as const;

/** Domains by prefix of the region; all others have `amazonaws.com`. */
const domains: readonly (readonly [start: string, domain: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['eusc-', 'amazonaws.eu'],
];

/** URL of STS in a region: https://docs.aws.amazon.com/general/latest/gr/sts.html */
export const stsUrl = (inRegion: string): string => {
  const [, domain = 'amazonaws.com'] = domains.find(([start]) => inRegion.startsWith(start)) ?? [];
  return `https://sts.${inRegion}.${domain}/`;
};

/** Variable parts of the signed request. */
const identityProof = z.strictObject({
  region: region.describe('Whose STS the signature is for'),
  date: z
    .string()
    .regex(/^\d{8}T\d{6}Z$/, 'must be as in X-Amz-Date')
    .describe('X-Amz-Date'),
  sessionToken: z
    .string()
    .min(1)
    .max(8192)
    .regex(/^[\w+/=-]+$/)
    .describe('X-Amz-Security-Token'),
  authorization: z
    .string()
    .max(1000)
    .regex(
      /^AWS4-HMAC-SHA256 Credential=[\w/-]+, SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}$/,
      'must be a signature of version 4',
    )
    .describe('Authorization'),
});
export type IdentityProof = z.infer<typeof identityProof>;

/** POST enroll (no bearer). */
export const enrollRequest = z.strictObject({
  publicKey: registerRequest.shape.publicKey,
  ...identityProof.shape,
});
export type EnrollRequest = z.infer<typeof enrollRequest>;

/** Enrolment as the agent keeps it, beside its private key. */
export const enrollResponse = z
  .object({
    apiUrl: z.string(),
    token: z.string(),
    runnerId,
    name: z.string(),
  })
  .meta({ id: 'Enrolment' });
export type EnrollResponse = z.infer<typeof enrollResponse>;

/** POST boot-failure (no bearer): the first boot of an instance failed before its agent was there. */
export const bootFailureRequest = written(
  z.strictObject({
    step: z.string().min(1).max(100).describe('Which step of the first boot failed'),
    detail: z.string().max(1000).describe('The last lines of its output'),
    ...identityProof.shape,
  }),
  { lines: ['step', 'detail'] },
);
export type BootFailureRequest = z.infer<typeof bootFailureRequest>;

/** Text that the proof of a report signs. */
export const bootFailureText = ({ step, detail }: Pick<BootFailureRequest, 'step' | 'detail'>): string =>
  `${step}\n${detail}`;
