/** A webhook receiver over HTTP: 204 for an accepted webhook, problem details for a refused one. */
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { type ProblemCode, statusOf } from '../protocol/index.ts';
import type { RunnerRecord } from './adapters/runners/runner-record.ts';
import type { Deps } from './flows/deps.ts';
import { receiveWebhook } from './flows/webhooks/receive.ts';
import { answerHeaders, makeProblem, problemHeaders } from './problems.ts';

/** Far above any webhook of ours or of Semaphore, and still cheap to parse. */
const maxBodyBytes = 65_536;

/** Reason of a refused webhook, for its sender. */
export interface HttpRefusal {
  readonly ok: false;
  readonly code: ProblemCode;
  readonly detail: string;
}

/** Returns the body of an HTTP API event as text. */
export const readBody = ({
  body = '',
  isBase64Encoded,
}: APIGatewayProxyEventV2): { readonly ok: true; readonly text: string } | HttpRefusal => {
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > maxBodyBytes) {
    return { ok: false, code: 'body_too_large', detail: 'A webhook is at most 64 KB.' };
  }
  return { ok: true, text: bytes.toString() };
};

/** Response to a webhook: empty when it was accepted. */
export const webhookResponse = (
  outcome: { readonly ok: true } | HttpRefusal,
): APIGatewayProxyStructuredResultV2 =>
  outcome.ok
    ? { statusCode: 204, headers: answerHeaders }
    : {
        statusCode: statusOf(outcome.code),
        headers: problemHeaders(outcome.code),
        body: JSON.stringify(makeProblem(outcome.code, outcome.detail)),
      };

/** Verifies the webhook in an HTTP API event and acts on its runner. */
export const handleWebhook = async (
  deps: Pick<Deps, 'now' | 'runners' | 'deliveries' | 'log'>,
  action: 'start' | 'finish',
  event: APIGatewayProxyEventV2,
  act: (runner: RunnerRecord) => Promise<void>,
): Promise<APIGatewayProxyStructuredResultV2> => {
  const read = readBody(event);
  if (!read.ok) return webhookResponse(read);
  const received = await receiveWebhook(deps, action, { headers: event.headers, rawBody: read.text });
  if (!received.ok) {
    deps.log.info('Refused a webhook', { code: received.code });
    return webhookResponse(received);
  }
  await act(received.runner);
  return webhookResponse(received);
};
