/** Verifies Signature Version 4: signs the request again with the claimed key, and compares. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { AwsError } from '../aws/call.ts';
import type { Key } from './principals.ts';

/** Scope in the `Authorization` header of a signed request. */
export interface Scope {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const authorizationPattern =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/\d{8}\/([^/,\s]+)\/([^/,\s]+)\/aws4_request, ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/;

/** Reads the scope; undefined for a request without such a signature. */
export const readScope = (authorization: string | undefined): Scope | undefined => {
  const [, accessKeyId, region, service, signedHeaders, signature] =
    authorizationPattern.exec(authorization ?? '') ?? [];
  if (!accessKeyId || !region || !service || !signedHeaders || !signature) return undefined;
  return { accessKeyId, region, service, signedHeaders: signedHeaders.split(';'), signature };
};

export interface SignedRequest {
  readonly method: string;
  /** Path and query, unmodified. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Maximum difference between a signature's time and AWS's clock. */
const maxClockSkewMs = 5 * 60_000;

const parseAmzDate = (text: string | undefined): Date | undefined => {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? '');
  return parts
    ? new Date(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}Z`)
    : undefined;
};

const refuse = (why: string): AwsError =>
  new AwsError(
    'SignatureDoesNotMatch',
    `The request signature we calculated does not match the signature you provided. ${why}`,
    403,
  );

/** Verifies that the request was signed with the key; throws AWS's error otherwise. */
export const verifySignature = async (
  request: SignedRequest,
  scope: Scope,
  key: Key,
  nowMs: number,
): Promise<void> => {
  const signedAt = parseAmzDate(request.headers['x-amz-date']);
  if (!signedAt) throw refuse('The X-Amz-Date header is missing or malformed.');
  if (Math.abs(signedAt.getTime() - nowMs) > maxClockSkewMs) {
    throw refuse(
      `Signature expired: ${signedAt.toISOString()} is too far from ${new Date(nowMs).toISOString()}.`,
    );
  }
  if (!scope.signedHeaders.includes('host')) throw refuse('The Host header must be signed.');
  const bodyHash = createHash('sha256').update(request.body).digest('hex');
  const statedHash = request.headers['x-amz-content-sha256'];
  if (statedHash !== undefined && statedHash !== bodyHash)
    throw refuse('The body is not the one that was signed.');

  const url = new URL(request.url, 'http://gateway');
  const query: Record<string, string | string[]> = {};
  for (const name of url.searchParams.keys()) query[name] = url.searchParams.getAll(name);
  const signer = new SignatureV4({
    credentials: key.credentials,
    region: scope.region,
    service: scope.service,
    sha256: Sha256,
    applyChecksum: false,
    // Only S3 takes paths unescaped (AWS: Signature Version 4).
    uriEscapePath: scope.service !== 's3',
  });
  const again = await signer.sign(
    {
      method: request.method,
      protocol: 'http:',
      hostname: 'gateway',
      path: url.pathname,
      query,
      headers: Object.fromEntries(scope.signedHeaders.map((name) => [name, request.headers[name] ?? ''])),
      body: request.body,
    },
    { signingDate: signedAt, signableHeaders: new Set(scope.signedHeaders) },
  );
  const expected = readScope(again.headers.authorization)?.signature ?? '';
  if (!timingSafeEqual(Buffer.from(expected.padEnd(64)), Buffer.from(scope.signature))) {
    throw refuse('Check the secret access key and the signing method.');
  }
};
