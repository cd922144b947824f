/** Receives a Semaphore server's runner webhooks, and checks the instances that they started. */
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { receivedWebhookBody } from '../../protocol/index.ts';
import { ec2Instances } from '../adapters/runners/instances.ts';
import { matchesHash } from '../adapters/runners/registration-tokens.ts';
import { type SemaphoreHook, semaphoreHooks } from '../adapters/webhooks/semaphore-hooks.ts';
import { readConfig, variables } from '../config.ts';
import { lookAfterSemaphore, receiveFromSemaphore } from '../flows/webhooks/semaphore.ts';
import { parseWebhookBody } from '../flows/webhooks/webhook-body.ts';
import { type HttpRefusal, readBody, webhookResponse } from '../webhook-http.ts';
import { log, now, openPlainTable } from '../wiring.ts';

const config = readConfig(variables.pick({ TABLE_NAME: true }), process.env);
const deps = {
  now,
  log,
  instances: ec2Instances(),
  hooks: semaphoreHooks(openPlainTable(config.TABLE_NAME)),
};

const semaphoreBody = receivedWebhookBody.omit({ attempt: true });

/** Returns the hook that the URL's token names. */
const hookOf = async (token = ''): Promise<SemaphoreHook | undefined> => {
  const [id = '', secret = ''] = token.split('.');
  const hook = id === '' ? undefined : await deps.hooks.get(id);
  return hook && matchesHash(secret, hook.secretHash) ? hook : undefined;
};

const wrongUrl: HttpRefusal = {
  ok: false,
  code: 'unauthenticated',
  detail: 'This is not the URL of a runner, or it was rotated or removed.',
};

const receive = async (event: APIGatewayProxyEventV2): Promise<{ readonly ok: true } | HttpRefusal> => {
  const hook = await hookOf(event.queryStringParameters?.token);
  if (!hook) return wrongUrl;
  const read = readBody(event);
  const parsed = read.ok ? parseWebhookBody(semaphoreBody, read.text) : read;
  const outcome = parsed.ok ? await receiveFromSemaphore(deps, hook, parsed.body) : parsed;
  if (!outcome.ok) log.info('Refused a webhook of Semaphore', { hookId: hook.id, why: outcome.detail });
  return outcome;
};

const isHttp = (event: object): event is APIGatewayProxyEventV2 => 'requestContext' in event;

/** Handles a webhook; any other event (EC2's state changes, the schedule) starts a check of the instances. */
export const handler = async (event: object): Promise<APIGatewayProxyStructuredResultV2 | undefined> => {
  if (isHttp(event)) return webhookResponse(await receive(event));
  await lookAfterSemaphore(deps);
  return undefined;
};
