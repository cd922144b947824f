/** Receives task-finish webhooks: stops the instance of a runner that has nothing left to do and no reason to stay on. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { ec2Instances } from '../adapters/instances.ts';
import { readConfig, variables } from '../config.ts';
import { decideSleep } from '../core/idle-policy.ts';
import { putToSleep } from '../flows/wake.ts';
import { handleWebhook } from '../webhook-http.ts';
import { wireStores } from '../wiring.ts';

const config = readConfig(variables.pick({ TABLE_NAME: true, SECRETS_KEY_ARN: true }), process.env);
const deps = { ...wireStores(config.TABLE_NAME, config.SECRETS_KEY_ARN), instances: ec2Instances() };

export const handler = (event: APIGatewayProxyEventV2) =>
  handleWebhook(deps, 'finish', event, async (runner) => {
    if (decideSleep(runner, deps.now()).sleep) await putToSleep(deps, runner);
  });
