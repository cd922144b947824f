/** A webhook receiver over HTTP: 204 for what was done, problem details for what was refused. */
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { RunnerRecord } from './adapters/runner-record.ts';
import type { Deps } from './flows/deps.ts';
import { receiveWebhook } from './flows/receive-webhook.ts';
import { makeProblem, type ProblemCode, problemHeaders, statusOf } from './problems.ts';

/** Far above any webhook of ours, far below what would be work to parse. */
const maxBodyLength = 65_536;

const problemResponse = (code: ProblemCode, detail: string): APIGatewayProxyStructuredResultV2 => ({
  statusCode: statusOf(code),
  headers: problemHeaders(code),
  body: JSON.stringify(makeProblem(code, detail)),
});

/** Verifies the webhook in an HTTP API event and acts on the runner that it is for. */
export const handleWebhook = async (
  deps: Pick<Deps, 'now' | 'runners' | 'deliveries' | 'log'>,
  action: 'start' | 'finish',
  event: APIGatewayProxyEventV2,
  act: (runner: RunnerRecord) => Promise<void>,
): Promise<APIGatewayProxyStructuredResultV2> => {
  const body = event.body ?? '';
  if (body.length > maxBodyLength) return problemResponse('body_too_large', 'A webhook is at most 64 KB.');
  const rawBody = event.isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
  const received = await receiveWebhook(deps, action, { headers: event.headers, rawBody });
  if (!received.ok) {
    deps.log('Refused a webhook', { code: received.code });
    return problemResponse(received.code, received.detail);
  }
  await act(received.runner);
  return { statusCode: 204 };
};
