/**
 * EC2's word that it takes a spot instance back, two minutes ahead of it, from the instance metadata service (IMDSv2).
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
 */
import { request as httpRequest } from 'node:http';
import * as z from 'zod';
import { messageOf } from './errors.ts';
import type { Logger } from './logger.ts';
import type { Timing } from './timing.ts';

/** IMDS answers within milliseconds, or not at all. */
const timeoutMs = 2000;
const tokenTtlSeconds = 21_600;

const notice = z.object({ action: z.enum(['hibernate', 'stop', 'terminate']), time: z.iso.datetime() });
export type SpotNotice = z.infer<typeof notice>;

interface MetadataAnswer {
  readonly status: number;
  readonly text: string;
}

/** Node's own http for the reason that http-transport.ts gives. */
const ask = (
  method: 'GET' | 'PUT',
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
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

const createMetadata = (baseUrl: string, timing: Timing, signal: AbortSignal) => {
  let token = { value: '', validUntilMs: 0 };
  const freshToken = async (): Promise<string> => {
    if (timing.now() < token.validUntilMs) return token.value;
    const ttl = { 'x-aws-ec2-metadata-token-ttl-seconds': String(tokenTtlSeconds) };
    const { status, text } = await ask('PUT', new URL('/latest/api/token', baseUrl), ttl, signal);
    if (status !== 200) throw new Error(`the metadata service gives no token: HTTP ${status}`);
    token = { value: text, validUntilMs: timing.now() + (tokenTtlSeconds / 2) * 1000 };
    return text;
  };
  /** Undefined: there is no such item, now. */
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

export interface SpotWatchOptions {
  /** Of the metadata service, such as http://169.254.169.254. */
  readonly metadataUrl: string;
  readonly pollMs: number;
  readonly timing: Timing;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Resolves with the notice when it comes; with undefined on an instance that is not spot, or when `signal` aborts. Never rejects. */
export const untilSpotNotice = async (options: SpotWatchOptions): Promise<SpotNotice | undefined> => {
  const { metadataUrl, pollMs, timing, log, signal } = options;
  const read = createMetadata(metadataUrl, timing, signal);
  let isSpot = false;
  let isSaid = false;
  while (!signal.aborted) {
    try {
      if (!isSpot) {
        if ((await read('instance-life-cycle')) !== 'spot') return undefined;
        isSpot = true;
      }
      const text = await read('spot/instance-action');
      if (text !== undefined) return notice.parse(JSON.parse(text));
      isSaid = false;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!isSaid) log.warn(`Cannot see whether EC2 takes this instance back: ${messageOf(error)}`);
      isSaid = true;
    }
    await timing.sleep(pollMs, signal);
  }
  return undefined;
};
