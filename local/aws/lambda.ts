/** Lambda's stand-in: asynchronous Invoke of a function of the template. */
import type { AsyncInvoker } from './async-invoke.ts';
import { AwsError, type AwsService } from './call.ts';

/** https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const invocationPath = /^\/2015-03-31\/functions\/([^/?]+)\/invocations$/;
/** Maximum event of an asynchronous invocation (AWS: Lambda quotas). */
const maxEventBytes = 1024 * 1024;

/** Returns the operation's name, which follows from method and path: the API has no header for it. */
export const lambdaOperationOf = (method: string, path: string): string => {
  if (method === 'POST' && invocationPath.test(path)) return 'Invoke';
  throw new AwsError('NotImplemented', `The stack on one machine has no Lambda ${method} ${path}.`, 501);
};

/** Function in the path. The stand-in knows functions only by ARN. */
export const functionArnOf = (path: string): string => {
  const [, name = ''] = invocationPath.exec(path) ?? [];
  return decodeURIComponent(name);
};

export interface LambdaOptions {
  /** ARNs of the template's functions. */
  readonly functions: ReadonlySet<string>;
  readonly deliver: AsyncInvoker['deliver'];
}

const eventOf = (body: Buffer): unknown => {
  if (body.length > maxEventBytes) {
    throw new AwsError('RequestTooLargeException', `The event has over ${maxEventBytes} bytes.`, 413);
  }
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString());
  } catch {
    throw new AwsError('InvalidRequestContentException', 'Could not parse request body into json');
  }
};

export const makeLambda =
  ({ functions, deliver }: LambdaOptions): AwsService =>
  async ({ path, headers, body }) => {
    const kind = headers['x-amz-invocation-type'] ?? 'RequestResponse';
    if (kind !== 'Event') {
      throw new AwsError(
        'NotImplemented',
        `The stack on one machine has no invocation of type ${kind}.`,
        501,
      );
    }
    const arn = functionArnOf(path);
    if (!functions.has(arn)) {
      throw new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404);
    }
    const event = eventOf(body);
    // Lambda answers as soon as it has the event.
    void deliver(arn, event);
    return { status: 202, headers: {}, body: '' };
  };
