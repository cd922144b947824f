/** Receives task-start webhooks: starts the instance of the runner, or has its fleet launch one. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { deliveryStore } from '../adapters/webhooks/deliveries.ts';
import { readConfig, variables } from '../config.ts';
import { wake } from '../flows/runners/power.ts';
import { handleWebhook } from '../webhook-http.ts';
import { invokeWhenNeeded, openSealedTable, wirePower, wireStarts } from '../wiring.ts';

const config = readConfig(
  variables.pick({
    TABLE_NAME: true,
    SECRETS_KEY_ARN: true,
    API_URL: true,
    AWS_REGION: true,
    RUNNER_FLEETS: true,
    RUNNER_POWER_ARN: true,
  }),
  process.env,
);
const table = openSealedTable(config.TABLE_NAME, config.SECRETS_KEY_ARN);
const deps = {
  ...wirePower(table, config),
  ...wireStarts(table, config),
  deliveries: deliveryStore(table),
  startSoon: invokeWhenNeeded(config.RUNNER_POWER_ARN),
};

export const handler = (event: APIGatewayProxyEventV2) =>
  handleWebhook(deps, 'start', event, (runner) => wake(deps, runner));
