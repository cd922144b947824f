/**
 * Identity of a signature's maker, from STS. The request to STS is built here from constants, so a caller can
 * choose neither another host nor another action.
 */
import { createHash } from 'node:crypto';
import {
  type IdentityProof,
  identityRequest,
  type ProofSubject,
  serverHeader,
  signedIdentityHeaders,
  stsUrl,
} from '../../../protocol/index.ts';

export interface CallerIdentity {
  readonly account: string;
  /** Role name of an assumed role. */
  readonly roleName: string;
  readonly sessionName: string;
}

/**
 * `refused`: STS rejects the signature, or it lacks a required header. `unavailable`: STS cannot be asked
 * now.
 */
export type Identified =
  | { readonly ok: true; readonly identity: CallerIdentity }
  | { readonly ok: false; readonly code: 'refused' | 'unavailable'; readonly detail: string };

/** Asks STS for the caller. `subject` is the header that binds the proof to this text. */
export type IdentifyCaller = (
  proof: IdentityProof,
  subject: ProofSubject,
  text: string,
) => Promise<Identified>;

const timeoutMs = 5000;
/** Maximum length of an answer: far above any of STS. */
const maxAnswerLength = 10_000;

const hashText = (text: string): string => createHash('sha256').update(text).digest('base64url');

const arnPattern = /<Arn>arn:aws[a-z-]*:sts::(\d{12}):assumed-role\/([\w+=,.@-]+)\/([\w+=,.@-]+)<\/Arn>/;
const accountPattern = /<Account>(\d{12})<\/Account>/;

const refused = (detail: string): Identified => ({ ok: false, code: 'refused', detail });

/** Only signed headers are bound, so the signed headers must be exactly those that are sent. */
const signsAll = ({ authorization }: IdentityProof, subject: ProofSubject): boolean =>
  /SignedHeaders=([a-z0-9;-]+)/.exec(authorization)?.[1] === signedIdentityHeaders(subject).join(';');

/** True when the signature's scope names STS. */
const isForSts = ({ authorization, region }: IdentityProof): boolean =>
  new RegExp(`Credential=\\w+/\\d{8}/${region}/sts/aws4_request,`).test(authorization);

/**
 * `serverHost` is the API's own host, for which the signature must have been made. `endpoint` is the URL of
 * STS if it is not AWS's own.
 */
export const stsIdentity =
  (serverHost: string, endpoint?: string): IdentifyCaller =>
  async (request, subject, text) => {
    if (!signsAll(request, subject))
      return refused(`The signature must cover ${signedIdentityHeaders(subject).join(', ')}.`);
    if (!isForSts(request)) return refused(`The signature is not one for STS in ${request.region}.`);
    let status: number;
    let answer: string;
    try {
      const response = await fetch(endpoint ?? stsUrl(request.region), {
        method: 'POST',
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          'content-type': identityRequest.contentType,
          'x-amz-date': request.date,
          'x-amz-security-token': request.sessionToken,
          [serverHeader]: serverHost,
          [subject]: hashText(text),
          authorization: request.authorization,
        },
        body: identityRequest.body,
      });
      status = response.status;
      answer = (await response.text()).slice(0, maxAnswerLength);
    } catch (error) {
      return { ok: false, code: 'unavailable', detail: `STS does not answer: ${String(error)}` };
    }
    if (status >= 500 || status === 429) {
      return { ok: false, code: 'unavailable', detail: `STS answers with ${status}.` };
    }
    if (status !== 200) return refused('STS rejects the signature, or it has expired.');
    const [, inArn, roleName, sessionName] = arnPattern.exec(answer) ?? [];
    const account = accountPattern.exec(answer)?.[1];
    if (!roleName || !sessionName || !account || account !== inArn)
      return refused('The signature is not that of a role.');
    return { ok: true, identity: { account, roleName, sessionName } };
  };
