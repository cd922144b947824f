/** Receives task-finish webhooks: stops the instance of a runner without work or a reason to stay on. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { lineStore } from '../adapters/tasks/lines.ts';
import { deliveryStore } from '../adapters/webhooks/deliveries.ts';
import { readConfig, variables } from '../config.ts';
import { sleepWithoutWork } from '../flows/runners/power.ts';
import { handleWebhook } from '../webhook-http.ts';
import { openSealedTable, wirePower } from '../wiring.ts';

const config = readConfig(
  variables.pick({ TABLE_NAME: true, SECRETS_KEY_ARN: true, RUNNER_FLEETS: true }),
  process.env,
);
const table = openSealedTable(config.TABLE_NAME, config.SECRETS_KEY_ARN);
const deps = {
  ...wirePower(table, config),
  lines: lineStore(table),
  deliveries: deliveryStore(table),
};

export const handler = (event: APIGatewayProxyEventV2) =>
  handleWebhook(deps, 'finish', event, (runner) => sleepWithoutWork(deps, runner));
