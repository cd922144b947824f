/** What a Semaphore server's runner webhook calls, and what looks after the instances that it woke. */
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import * as z from 'zod';
import { receivedWebhookBody } from '../../protocol/index.ts';
import { ec2Instances } from '../adapters/instances.ts';
import { semaphoreHooks } from '../adapters/semaphore-hooks.ts';
import { matchesHash } from '../adapters/tokens.ts';
import { readConfig, variables } from '../config.ts';
import { lookAfterSemaphore, receiveFromSemaphore } from '../flows/semaphore.ts';
import { wireStores } from '../wiring.ts';

const config = readConfig(variables.pick({ TABLE_NAME: true }), process.env);
const { table, now, log } = wireStores(config.TABLE_NAME);
const deps = { now, log, instances: ec2Instances(), hooks: semaphoreHooks(table) };

/** Far above Semaphore's five fields. */
const maxBodyLength = 65_536;

const bodyText = z
  .string()
  .max(maxBodyLength)
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'is not JSON' });
      return z.NEVER;
    }
  })
  .pipe(receivedWebhookBody.omit({ attempt: true }));

/** The hook whose URL it is. */
const hookOf = async (token = '') => {
  const [id = '', secret = ''] = token.split('.');
  const hook = id === '' ? undefined : await deps.hooks.get(id);
  return hook && matchesHash(secret, hook.secretHash) ? hook : undefined;
};

const isHttp = (event: object): event is APIGatewayProxyEventV2 => 'requestContext' in event;

/** Of the HTTP API a webhook; anything else (EC2's state changes, the schedule) has it look after what may be on. */
export const handler = async (event: object): Promise<APIGatewayProxyStructuredResultV2 | undefined> => {
  if (!isHttp(event)) {
    await lookAfterSemaphore(deps);
    return undefined;
  }
  const hook = await hookOf(event.queryStringParameters?.token);
  if (!hook) return { statusCode: 401 };
  const text = event.isBase64Encoded
    ? Buffer.from(event.body ?? '', 'base64').toString()
    : (event.body ?? '');
  const body = bodyText.safeParse(text);
  if (!body.success) {
    log('Refused a webhook of Semaphore', { hookId: hook.id, why: z.prettifyError(body.error) });
    return { statusCode: 400 };
  }
  await receiveFromSemaphore(deps, hook, body.data);
  return { statusCode: 204 };
};
