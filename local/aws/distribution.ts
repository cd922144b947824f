/**
 * CloudFront's stand-in: forwards API paths to the HTTP API, and serves the bucket's files with the
 * template's headers.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import { gzip } from 'node:zlib';
import * as z from 'zod';
import type { BehaviorSpec, DistributionSpec } from '../template/distribution.ts';
import type { AwsAnswer } from './call.ts';
import type { FillIn } from './custom-resources.ts';

export interface DistributionOptions {
  readonly spec: DistributionSpec;
  /** Serves the paths of the HTTP API. */
  readonly httpApi: RequestListener;
  /** Reads a file of a bucket; any status other than 200 means that the file does not exist. */
  readonly readFile: (bucket: string, key: string) => Promise<AwsAnswer>;
  /** Replaces placeholders in a header by the attributes of custom resources. */
  readonly fillIn: FillIn;
}

const compress = promisify(gzip);
/** https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html */
const compressible = /^(text\/|application\/(javascript|json|manifest\+json)|image\/svg\+xml)/;
const smallestCompressed = 1000;

/**
 * Timeout of a rewrite. CloudFront's own limit is far under a millisecond of work, but a busy machine can
 * need longer by the clock.
 */
const rewriteTimeoutMs = 5000;

const literally = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
const matches = (pattern: string, path: string): boolean =>
  new RegExp(`^${pattern.split('*').map(literally).join('.*')}$`).test(path);

const rewritten = z.object({ uri: z.string() });

/** Runs the function's source without Node's globals: CloudFront has its own JavaScript runtime. */
const rewrite = (source: string, method: string, uri: string): string => {
  const event = JSON.stringify({ version: '1.0', request: { method, uri, querystring: {}, headers: {} } });
  const result: unknown = runInNewContext(
    `${source};JSON.stringify(handler(${event}))`,
    {},
    { timeout: rewriteTimeoutMs },
  );
  return rewritten.parse(JSON.parse(String(result))).uri;
};

/** Answers requests as CloudFront would. */
export const makeDistribution = ({
  spec,
  httpApi,
  readFile,
  fillIn,
}: DistributionOptions): RequestListener => {
  const sendFile = async (
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    { origin, headers, viewerRequest }: BehaviorSpec,
  ): Promise<void> => {
    if (origin.kind !== 'bucket') throw new Error('Only a bucket has files.');
    const uri = viewerRequest === undefined ? path : rewrite(viewerRequest, request.method ?? 'GET', path);
    const file = await readFile(origin.bucket, uri.slice(1));
    if (file.status !== 200) {
      response.writeHead(404, { ...headers, 'content-type': 'text/plain; charset=utf-8' });
      response.end('There is no such file.\n');
      return;
    }
    const { 'content-type': type = '', 'cache-control': cacheControl, etag } = file.headers;
    const sent = { ...headers, 'content-type': type, vary: 'Accept-Encoding' };
    const cached = { ...(cacheControl && { 'cache-control': cacheControl }), ...(etag && { etag }) };
    if (etag !== undefined && request.headers['if-none-match']?.replace(/^W\//, '') === etag) {
      response.writeHead(304, { ...headers, ...cached }).end();
      return;
    }
    const whole = Buffer.from(file.body);
    const isCompressed =
      whole.length >= smallestCompressed &&
      compressible.test(type) &&
      /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    const body = isCompressed ? await compress(whole) : whole;
    response.writeHead(200, {
      ...sent,
      ...cached,
      'content-length': body.length,
      ...(isCompressed && { 'content-encoding': 'gzip' }),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };

  const toApi = (
    request: IncomingMessage,
    response: ServerResponse,
    { origin, headers }: BehaviorSpec,
  ): void => {
    if (origin.kind !== 'http-api') throw new Error('Only the HTTP API takes requests.');
    // CloudFront and then API Gateway append to the header: the client's address, then each proxy's.
    const client = request.socket.remoteAddress ?? '127.0.0.1';
    const before = request.headers['x-forwarded-for'];
    request.headers['x-forwarded-for'] = [before, client, '127.0.0.1'].filter(Boolean).join(', ');
    for (const [name, value] of Object.entries(origin.headers)) {
      request.headers[name.toLowerCase()] = fillIn(value);
    }
    // The API's own values win here, and CloudFront's win in AWS; the API's tests assert that both are equal.
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    httpApi(request, response);
  };

  return (request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const behavior = spec.behaviors.find(({ pathPattern }) => matches(pathPattern, path));
    if (!behavior?.methods.includes(request.method ?? 'GET')) {
      response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('CloudFront does not pass on this method.\n');
      return;
    }
    if (behavior.origin.kind === 'http-api') return toApi(request, response, behavior);
    sendFile(request, response, path, behavior).catch(() => response.destroy());
  };
};
