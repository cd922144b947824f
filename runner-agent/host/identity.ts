/** Proves the identity of this instance: a signed request to STS, valid for one API and one public key. */
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
  /** Region of the instance. */
  region: string;
  /** API for which the proof is valid. */
  apiUrl: string;
  publicKey: string;
  /** Epoch ms. */
  nowMs: number;
  /** Endpoint of STS, if not AWS's own. */
  stsEndpoint?: string;
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
