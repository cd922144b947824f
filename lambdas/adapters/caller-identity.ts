/**
 * Whose signature it is, by STS: the one request that it may be for is made here out of constants, so that whoever sends one can
 * neither have another host called nor another action.
 */
import { createHash } from 'node:crypto';
import {
  type EnrollRequest,
  identityRequest,
  keyHeader,
  serverHeader,
  signedIdentityHeaders,
  stsUrl,
} from '../../protocol/index.ts';

export interface CallerIdentity {
  readonly account: string;
  /** Of an assumed role. */
  readonly roleName: string;
  readonly sessionName: string;
}

/** `refused`: by STS, or it does not sign what it must; `unavailable`: STS cannot be asked now. */
export type Identified =
  | { readonly ok: true; readonly identity: CallerIdentity }
  | { readonly ok: false; readonly code: 'refused' | 'unavailable'; readonly detail: string };

export type IdentifyCaller = (request: EnrollRequest) => Promise<Identified>;

const timeoutMs = 5000;
/** Far above any answer of STS. */
const maxAnswerLength = 10_000;

export const hashKey = (publicKey: string): string =>
  createHash('sha256').update(publicKey).digest('base64url');

const arnPattern = /<Arn>arn:aws[a-z-]*:sts::(\d{12}):assumed-role\/([\w+=,.@-]+)\/([\w+=,.@-]+)<\/Arn>/;
const accountPattern = /<Account>(\d{12})<\/Account>/;

const refused = (detail: string): Identified => ({ ok: false, code: 'refused', detail });

/** Only what is signed is bound: each of these headers must be among the signed ones, and no other that is not sent. */
const signsAll = ({ authorization }: EnrollRequest): boolean =>
  /SignedHeaders=([a-z0-9;-]+)/.exec(authorization)?.[1] === signedIdentityHeaders.join(';');

/** The scope that the signature names. */
const isForSts = ({ authorization, region }: EnrollRequest): boolean =>
  new RegExp(`Credential=\\w+/\\d{8}/${region}/sts/aws4_request,`).test(authorization);

/**
 * `serverHost` is the API's own, which the signature must have been made for. `endpoint` is where STS is when it is not at AWS's
 * own address.
 */
export const stsIdentity =
  (serverHost: string, endpoint?: string): IdentifyCaller =>
  async (request) => {
    if (!signsAll(request)) return refused(`The signature must cover ${signedIdentityHeaders.join(', ')}.`);
    if (!isForSts(request)) return refused(`The signature is not one for STS in ${request.region}.`);
    let status: number;
    let text: string;
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
          [keyHeader]: hashKey(request.publicKey),
          authorization: request.authorization,
        },
        body: identityRequest.body,
      });
      status = response.status;
      text = (await response.text()).slice(0, maxAnswerLength);
    } catch (error) {
      return { ok: false, code: 'unavailable', detail: `STS does not answer: ${String(error)}` };
    }
    if (status >= 500 || status === 429) {
      return { ok: false, code: 'unavailable', detail: `STS answers with ${status}.` };
    }
    if (status !== 200) return refused('STS does not accept the signature, or not any more.');
    const [, inArn, roleName, sessionName] = arnPattern.exec(text) ?? [];
    const account = accountPattern.exec(text)?.[1];
    if (!roleName || !sessionName || !account || account !== inArn)
      return refused('The signature is not that of a role.');
    return { ok: true, identity: { account, roleName, sessionName } };
  };
