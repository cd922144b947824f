/**
 * How an instance that a fleet launched proves which one it is, without a secret in its user data: it signs STS's GetCallerIdentity
 * by the credentials of its instance profile, and hands the signature over. Whoever sends exactly that request to STS learns
 * the instance's id, as it is the name of the role's session. The signature covers whom it is for, and the public key.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
import * as z from 'zod';
import { runnerId } from './ids.ts';
import { region, registerRequest } from './runner.ts';
import { written } from './text.ts';

/** Has the host of the API that the signature is for, so that another one can do nothing with it. */
export const serverHeader = 'x-reveille-server';
/** Has the SHA-256 of the public key in base64url, so that who copies the signature cannot put a key of his own in its place. */
export const keyHeader = 'x-reveille-key';

/** Has the SHA-256 of what a failed first boot reports, in base64url, so that the proof is good for that report alone. */
export const bootFailureHeader = 'x-reveille-boot-failure';

/** What a proof is for: by a header of its own, so that one for a report enrols nobody, and the other way round. */
export type ProofSubject = typeof keyHeader | typeof bootFailureHeader;

/** Each of these must be signed. */
export const signedIdentityHeaders = (subject: ProofSubject): readonly string[] =>
  ['content-type', 'host', subject, serverHeader, 'x-amz-date', 'x-amz-security-token'].sort();

/** The one request, but for what is signed. */
export const identityRequest = {
  contentType: 'application/x-www-form-urlencoded; charset=utf-8',
  body: 'Action=GetCallerIdentity&Version=2011-06-15',
} as const;

/** By the beginning of a region's name; all others have `amazonaws.com`. */
const domains: readonly (readonly [start: string, domain: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['eusc-', 'amazonaws.eu'],
];

/** https://docs.aws.amazon.com/general/latest/gr/sts.html */
export const stsUrl = (inRegion: string): string => {
  const [, domain = 'amazonaws.com'] = domains.find(([start]) => inRegion.startsWith(start)) ?? [];
  return `https://sts.${inRegion}.${domain}/`;
};

/** The parts of the signed request that are not constants. */
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

/** What the agent keeps, beside its private key. */
export const enrollResponse = z.object({
  apiUrl: z.string(),
  token: z.string(),
  runnerId,
  name: z.string(),
});
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

/** What the proof of a report is signed for. */
export const bootFailureText = ({ step, detail }: Pick<BootFailureRequest, 'step' | 'detail'>): string =>
  `${step}\n${detail}`;
