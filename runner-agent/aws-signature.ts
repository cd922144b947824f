/** Signs a request to AWS by Signature Version 4 (AWS: "Create a signed AWS API request"). The SDK would cost 30 MB of memory. */
import { createHash, createHmac } from 'node:crypto';

export interface AwsKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

export interface SignableRequest {
  url: URL;
  /** Names in small letters; all are signed. */
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

const algorithm = 'AWS4-HMAC-SHA256';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** The headers of a POST with its signature. The path and query must need no escaping, as those of SQS's API. */
export const sign = ({ url, headers, body }: SignableRequest, scope: Scope): Record<string, string> => {
  const { service, region, key, nowMs } = scope;
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const signed: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-date': time,
    'x-amz-security-token': key.sessionToken,
  };
  const names = Object.keys(signed).sort();
  const canonical = [
    'POST',
    url.pathname,
    url.search.slice(1),
    ...names.map((name) => `${name}:${signed[name]?.trim()}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const credentialScope = `${day}/${region}/${service}/aws4_request`;
  const toSign = [algorithm, time, credentialScope, sha256(canonical)].join('\n');
  const signingKey = [region, service, 'aws4_request'].reduce<Buffer>(
    (derived, part) => hmac(derived, part),
    hmac(`AWS4${key.secretAccessKey}`, day),
  );
  const signature = hmac(signingKey, toSign).toString('hex');
  const credential = `${key.accessKeyId}/${credentialScope}`;
  return {
    ...signed,
    authorization: `${algorithm} Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
};
