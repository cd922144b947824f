/** Passes an AWS call to a server in this process, without a socket. */
import type { InjectOptions, Response } from 'light-my-request';
import type { AwsAnswer, AwsCall } from '../aws/call.ts';

/** Headers that belong to the incoming connection, such as `connection`. */
const hopHeaders = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date']);

const methods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const;

export const inProcess =
  (send: (options: InjectOptions) => Promise<Response>) =>
  async (call: Pick<AwsCall, 'method' | 'path' | 'headers' | 'body'>): Promise<AwsAnswer> => {
    const answer = await send({
      method: methods.find((known) => known === call.method) ?? 'POST',
      url: call.path,
      headers: { ...call.headers },
      payload: call.body,
    });
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined && !hopHeaders.has(name)) headers[name] = String(value);
    }
    return { status: answer.statusCode, headers, body: answer.rawPayload };
  };
