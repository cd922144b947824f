/** Receives task-start webhooks from others, and has `runner-power` act on the runner. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { handleWebhook } from '../webhook-http.ts';
import { wireReceiver } from '../wiring.ts';

const deps = wireReceiver(process.env);

export const handler = (event: APIGatewayProxyEventV2) =>
  handleWebhook(deps, 'start', event, deps.settlePowerSoon);
