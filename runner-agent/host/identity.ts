/** The proof of which instance this is: a signed request to STS that is good for one API and one public key. */
import { createHash } from 'node:crypto';
import {
  type EnrollRequest,
  identityRequest,
  keyHeader,
  serverHeader,
  stsUrl,
} from '../../protocol/enrolment.ts';
import { type AwsKey, sign } from '../queue/aws-signature.ts';

export interface IdentityOptions {
  key: AwsKey;
  /** The instance's. */
  region: string;
  /** For which the proof is good. */
  apiUrl: string;
  publicKey: string;
  /** Epoch ms. */
  nowMs: number;
  /** When STS is not at AWS's own address. */
  stsEndpoint?: string | undefined;
}

export const signIdentity = async (options: IdentityOptions): Promise<EnrollRequest> => {
  const { key, region, apiUrl, publicKey, nowMs, stsEndpoint } = options;
  const signed = await sign(
    {
      url: new URL(stsEndpoint ?? stsUrl(region)),
      headers: {
        'content-type': identityRequest.contentType,
        [serverHeader]: new URL(apiUrl).host,
        [keyHeader]: createHash('sha256').update(publicKey).digest('base64url'),
      },
      body: identityRequest.body,
    },
    { service: 'sts', region, key, nowMs },
  );
  const { authorization = '', 'x-amz-date': date = '', 'x-amz-security-token': sessionToken = '' } = signed;
  return { publicKey, region, date, sessionToken, authorization };
};
