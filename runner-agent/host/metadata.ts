/**
 * Reads EC2's instance metadata service (IMDSv2), which answers only with a token:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
 */
import { request as httpRequest } from 'node:http';
import type { Timing } from '../timing.ts';

export const defaultMetadataUrl = 'http://169.254.169.254';

/** IMDS answers within milliseconds, or not at all. */
const timeoutMs = 2000;
const tokenTtlSeconds = 21_600;

interface MetadataAnswer {
  readonly status: number;
  readonly text: string;
}

/** Sends a request with Node's own http, for the reason in http-transport.ts. */
const ask = (
  method: 'GET' | 'PUT',
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<MetadataAnswer> =>
  new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers, signal, timeout: timeoutMs }, (response) => {
      const pieces: string[] = [];
      response.setEncoding('utf8');
      response.on('data', (piece: string) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: pieces.join('') }));
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    sent.on('error', reject);
    sent.end();
  });

/**
 * Reads items of the instance's metadata, such as `instance-life-cycle`. `baseUrl` is like
 * http://169.254.169.254.
 */
export const createMetadata = (
  baseUrl: string,
  timing: Pick<Timing, 'now'>,
  signal?: AbortSignal,
): ((item: string) => Promise<string | undefined>) => {
  let token = { value: '', validUntilMs: 0 };
  const freshToken = async (): Promise<string> => {
    if (timing.now() < token.validUntilMs) return token.value;
    const ttl = { 'x-aws-ec2-metadata-token-ttl-seconds': String(tokenTtlSeconds) };
    const { status, text } = await ask('PUT', new URL('/latest/api/token', baseUrl), ttl, signal);
    if (status !== 200) throw new Error(`the metadata service gives no token: HTTP ${status}`);
    token = { value: text, validUntilMs: timing.now() + (tokenTtlSeconds / 2) * 1000 };
    return text;
  };
  /** Returns undefined while the item does not exist. */
  return async (item: string): Promise<string | undefined> => {
    const url = new URL(`/latest/meta-data/${item}`, baseUrl);
    const { status, text } = await ask(
      'GET',
      url,
      { 'x-aws-ec2-metadata-token': await freshToken() },
      signal,
    );
    if (status === 404) return undefined;
    if (status === 401) token = { value: '', validUntilMs: 0 };
    if (status !== 200) throw new Error(`the metadata service answers ${item} with HTTP ${status}`);
    return text;
  };
};
