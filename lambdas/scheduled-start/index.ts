/** Starts the template of a schedule that is due, as EventBridge Scheduler tells. */
import { scheduledStart } from '../../protocol/index.ts';
import { addressGuard } from '../adapters/address-guard.ts';
import { auditTrail } from '../adapters/audit.ts';
import { makeSqsClient } from '../adapters/queues.ts';
import { readForTask, resourceStores } from '../adapters/resources.ts';
import { readConfig, variables } from '../config.ts';
import { runSchedule } from '../flows/run-schedule.ts';
import { queueVariables, wireQueues, wireStores, wireWebhooks } from '../wiring.ts';

const config = readConfig(
  variables
    .pick({
      TABLE_NAME: true,
      SECRETS_KEY_ARN: true,
      API_URL: true,
      WEBHOOK_RETRIES_QUEUE_URL: true,
      WEBHOOK_ALLOWED: true,
      AUDIT_RETENTION_DAYS: true,
    })
    .extend(queueVariables.shape),
  process.env,
);

const stores = wireStores(config.TABLE_NAME, config.SECRETS_KEY_ARN);
const { table, now, newId } = stores;
const sqs = makeSqsClient();
const deps = {
  ...stores,
  ...wireWebhooks(sqs, config.WEBHOOK_RETRIES_QUEUE_URL, addressGuard(config.WEBHOOK_ALLOWED)),
  readForTask: (projectId: Parameters<typeof readForTask>[1], templateId: string) =>
    readForTask(table, projectId, templateId),
  audit: auditTrail(table, { now, newId, retentionDays: config.AUDIT_RETENTION_DAYS }),
  readInventory: resourceStores(table, { now, newId }).inventories.get,
  queues: wireQueues(sqs, config),
  apiUrl: config.API_URL,
};

export const handler = (event: unknown): Promise<void> => runSchedule(deps, scheduledStart.parse(event));
