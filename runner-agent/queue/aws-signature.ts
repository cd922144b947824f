/** Signs a request to AWS with Signature Version 4, using AWS's own signer without the rest of its SDK. */
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';

export interface AwsKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

export interface SignableRequest {
  url: URL;
  /** Names in lower case. All headers are signed. */
  headers: Record<string, string>;
  body: string;
}

export interface Scope {
  service: string;
  region: string;
  key: AwsKey;
  /** Epoch ms. */
  nowMs: number;
}

/** Returns the headers of a POST with its signature. */
export const sign = async (
  { url, headers, body }: SignableRequest,
  { service, region, key, nowMs }: Scope,
): Promise<Record<string, string>> => {
  const signer = new SignatureV4({ credentials: key, region, service, sha256: Sha256, applyChecksum: false });
  const { protocol, host, hostname, pathname } = url;
  const signed = await signer.sign(
    { method: 'POST', protocol, hostname, path: pathname, headers: { ...headers, host }, body },
    { signingDate: new Date(nowMs) },
  );
  return signed.headers;
};
