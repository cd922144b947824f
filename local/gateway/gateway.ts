/**
 * Gateway: the one endpoint of all AWS calls. Identifies the caller, verifies the signature, counts the call
 * and passes it to its service.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AwsCall, AwsError, type AwsService, errorAnswer, speaksQueryProtocol } from '../aws/call.ts';
import { lambdaOperationOf } from '../aws/lambda.ts';
import { s3OperationOf } from '../aws/s3.ts';
import { schedulerOperationOf } from '../aws/scheduler/api.ts';
import { listenOnLoopback, stopServer } from '../http-server.ts';
import { type Faults, isInjected } from './faults.ts';
import type { Key, Principals } from './principals.ts';
import type { RequestCounter } from './requests.ts';
import { readScope, type Scope, type SignedRequest, verifySignature } from './signature.ts';

export interface GatewayOptions {
  readonly principals: Principals;
  /** Services by their name in the credential scope: `dynamodb`, `sqs`… */
  readonly services: Readonly<Record<string, AwsService>>;
  readonly counter: RequestCounter;
  /** Throws AWS's error when the caller lacks the permission. */
  readonly authorize: (call: AwsCall) => void;
  readonly faults: Pick<Faults, 'around'>;
  readonly nowMs: () => number;
  /** Reports a defect in a stand-in, but no call that AWS would reject too. */
  readonly onFailure: (message: string) => void;
}

export interface Gateway {
  readonly url: string;
  stop(): Promise<void>;
}

/** DynamoDB accepts 16 MB a request, the most of all services here. */
const maxBodyBytes = 16 * 1024 * 1024;

const refusalCodes: Readonly<
  Record<'unsigned' | 'unknown' | 'mismatch' | 'expired', Record<string, string>>
> = {
  unsigned: {
    dynamodb: 'MissingAuthenticationTokenException',
    ec2: 'AuthFailure',
    other: 'MissingAuthenticationToken',
  },
  unknown: { dynamodb: 'UnrecognizedClientException', ec2: 'AuthFailure', other: 'InvalidClientTokenId' },
  mismatch: { dynamodb: 'InvalidSignatureException', ec2: 'AuthFailure', other: 'SignatureDoesNotMatch' },
  expired: { dynamodb: 'ExpiredTokenException', ec2: 'RequestExpired', other: 'ExpiredToken' },
};

const refusal = (service: string, kind: keyof typeof refusalCodes, message: string): AwsError => {
  const codes = refusalCodes[kind];
  return new AwsError(codes[service] ?? codes.other ?? kind, message, service === 'dynamodb' ? 400 : 403);
};

export const readBody = async (request: IncomingMessage, limit: number): Promise<Buffer | undefined> => {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request) {
    const bytes: Buffer = piece;
    length += bytes.length;
    if (length > limit) return undefined;
    pieces.push(bytes);
  }
  return Buffer.concat(pieces);
};

const flatHeaders = (request: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(request.headers).map(([name, value = '']) => [
      name,
      Array.isArray(value) ? value.join(',') : value,
    ]),
  );

const operationOf = (service: string, { method, url, headers, body }: SignedRequest): string => {
  if (service === 's3') return s3OperationOf(method, url);
  if (service === 'scheduler') return schedulerOperationOf(method, url);
  if (service === 'lambda') return lambdaOperationOf(method, url);
  const name = speaksQueryProtocol(service)
    ? new URLSearchParams(body.toString()).get('Action')
    : headers['x-amz-target']?.split('.').at(-1);
  if (!name) throw new AwsError('MissingAction', 'The request names no action.');
  return name;
};

/** Starts the gateway on a free port of the loopback interface. */
export const startGateway = async (options: GatewayOptions): Promise<Gateway> => {
  const { principals, services, counter, authorize, faults, nowMs, onFailure } = options;

  const authenticate = async (
    scope: Scope,
    request: Parameters<typeof verifySignature>[0],
  ): Promise<Key['principal']> => {
    const key = principals.find(scope.accessKeyId);
    const { service } = scope;
    const token = request.headers['x-amz-security-token'];
    if (!key || token !== key.credentials.sessionToken) {
      throw refusal(service, 'unknown', 'The security token included in the request is invalid.');
    }
    if (key.expiresAtMs !== undefined && key.expiresAtMs <= nowMs()) {
      throw refusal(service, 'expired', 'The security token included in the request is expired');
    }
    await verifySignature(request, scope, key, nowMs()).catch((error: unknown) => {
      throw error instanceof AwsError ? refusal(service, 'mismatch', error.message) : error;
    });
    return key.principal;
  };

  const answerTo = async (request: IncomingMessage, body: Buffer, hungUp: () => boolean) => {
    const headers = flatHeaders(request);
    const scope = readScope(headers.authorization);
    const service = scope?.service ?? 'unknown';
    let end = () => {};
    try {
      if (!scope) throw refusal(service, 'unsigned', 'Request is missing Authentication Token');
      const signed = { method: request.method ?? 'GET', url: request.url ?? '/', headers, body };
      const principal = await authenticate(scope, signed);
      const play = services[service];
      const operation = play ? operationOf(service, signed) : `${signed.method} ${signed.url}`;
      end = counter.add(principal.name, service, operation, { traceId: headers['x-amzn-trace-id'] });
      if (!play) {
        const action = headers['x-amz-target'] ?? operation;
        throw new AwsError(
          'NotImplemented',
          `The stack on one machine has no stand-in for ${service} (${action}), which ${principal.name} called.`,
          501,
        );
      }
      const { region } = scope;
      const call = { ...signed, path: signed.url, service, operation, region, principal, hungUp };
      authorize(call);
      return await faults.around(call, () => play(call));
    } catch (error) {
      if (error instanceof AwsError) {
        if (error.status >= 500 && !isInjected(error)) onFailure(error.message);
        return errorAnswer(service, error);
      }
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      onFailure(`${service}: ${message}`);
      return errorAnswer(service, new AwsError('InternalFailure', message, 500));
    } finally {
      end();
    }
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request, maxBodyBytes);
    if (!body) {
      response.writeHead(413, { connection: 'close' }).end();
      return;
    }
    const answer = await answerTo(request, body, () => response.destroyed);
    response.writeHead(answer.status, {
      ...answer.headers,
      'content-length': Buffer.byteLength(answer.body),
    });
    response.end(answer.body);
  };

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  const port = await listenOnLoopback(server, 0);
  return { url: `http://127.0.0.1:${port}`, stop: () => stopServer(server) };
};
