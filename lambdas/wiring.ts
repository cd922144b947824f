/** Shared parts of the functions: clock, log, stores, senders. Each function takes the ones it needs. */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { type Clock, type Delivery, type ProjectId, projectId, toInstant } from '../protocol/index.ts';
import { type AddressGuard, addressGuard } from './adapters/address-guard.ts';
import { pricedSessions, priceStore } from './adapters/costs/prices.ts';
import { fleetPlaces } from './adapters/fleets/fleet-places.ts';
import { newId } from './adapters/ids.ts';
import { auditTrail } from './adapters/people/audit.ts';
import { readForTask, resourceStores } from './adapters/resources/resources.ts';
import { ec2Instances } from './adapters/runners/instances.ts';
import { powerRequests } from './adapters/runners/power-requests.ts';
import { runnerStore } from './adapters/runners/runners.ts';
import { sessionStore } from './adapters/runners/sessions.ts';
import { startQueue } from './adapters/runners/start-queue.ts';
import type { Scheduler } from './adapters/schedules/scheduler.ts';
import { dataKeys } from './adapters/secrets/data-keys.ts';
import { sealedTable } from './adapters/secrets/secret-attributes.ts';
import type { SigningKeys } from './adapters/secrets/signed-tokens.ts';
import { loadSigningKeys, rememberSigningKeys } from './adapters/secrets/signing-keys.ts';
import { openTable, type Table } from './adapters/table.ts';
import { limitStore } from './adapters/tasks/limits.ts';
import { lineStore } from './adapters/tasks/lines.ts';
import { logStore } from './adapters/tasks/logs.ts';
import type { Queues } from './adapters/tasks/queues.ts';
import { taskStore } from './adapters/tasks/tasks.ts';
import { telemetry } from './adapters/telemetry.ts';
import { circuitStore } from './adapters/webhooks/circuits.ts';
import { deliveryStore } from './adapters/webhooks/deliveries.ts';
import { ownByInvocation } from './adapters/webhooks/own-webhooks.ts';
import { httpWebhookSender } from './adapters/webhooks/webhook-sender.ts';
import { loggedWebhooks, measuredRunners, measuredSessions, measuredTasks } from './adapters/with-metrics.ts';
import { readConfig, variables } from './config.ts';
import { firstRetry } from './core/webhooks/retry-policy.ts';
import { whenNeeded } from './when-needed.ts';

export const now: Clock = () => toInstant(Date.now());

export const { log, measure } = telemetry(process.env.METRICS_NAMESPACE ?? 'Reveille');

/** Reports an unreadable item in the log, for an alarm, and in the dashboard's repairs: only its keys. */
const reportUnreadable: Table['reportUnreadable'] = ({ key, message }) => {
  log.error('Skipped an unreadable item', { ...key, error: message });
  measure('Repairs', 1, { ...key }, 'unreadable_item_skipped');
};

/** Opens the table without the key of its secrets, which stay encrypted. */
export const openPlainTable = (tableName: string): Table => openTable(tableName, undefined, reportUnreadable);

/**
 * Opens the table with its secrets in plain text; in DynamoDB they are encrypted. The vault is made for the
 * first secret: EC2's events are mostly about instances that are no runners.
 */
export const openSealedTable = (tableName: string, secretsKeyArn: string): Table => {
  const table = openPlainTable(tableName);
  const vault = whenNeeded(async () => {
    const { kmsKeyService } = await import('./adapters/secrets/kms-keys.ts');
    const { makeVault } = await import('./adapters/secrets/secret-encryption.ts');
    return makeVault(dataKeys(table, { service: kmsKeyService(secretsKeyArn), now, newId }));
  });
  return sealedTable(table, {
    seal: async (scope, place, plainText) => (await vault()).seal(scope, place, plainText),
    open: async (scope, place, sealed) => (await vault()).open(scope, place, sealed),
  });
};

/** Makes the parts of the functions that receive webhooks. */
export const wireReceiver = (environment: NodeJS.ProcessEnv) => {
  const config = readConfig(
    variables.pick({ TABLE_NAME: true, SECRETS_KEY_ARN: true, RUNNER_POWER_ARN: true }),
    environment,
  );
  const table = openSealedTable(config.TABLE_NAME, config.SECRETS_KEY_ARN);
  return {
    now,
    log,
    runners: runnerStore(table),
    deliveries: deliveryStore(table),
    settlePowerSoon: powerRequests(invokeWhenNeeded(config.RUNNER_POWER_ARN)),
  };
};

/** Makes the asynchronous invocation of a function; few calls need one. */
export const invokeWhenNeeded = (functionArn: string): ((request: object) => Promise<void>) => {
  const invoke = whenNeeded(async () => (await import('./adapters/invoke-soon.ts')).invokeSoon(functionArn));
  return async (request) => (await invoke())(request);
};

/** Makes the stores of the functions that work on tasks. */
export const wireStores = (table: Table) => {
  const prices = priceStore(table);
  return {
    now,
    newId,
    log,
    table,
    prices,
    runners: runnerStore(table),
    tasks: measuredTasks(taskStore(table), measure),
    fleetPlaces: fleetPlaces(table, now),
    limits: limitStore(table),
    lines: lineStore(table),
    starts: startQueue(table, now),
    logs: logStore(table, now),
    deliveries: deliveryStore(table),
    circuits: circuitStore(table),
    sessions: measuredSessions(pricedSessions(sessionStore(table), prices), measure),
  };
};

/** A delivery in the retry queue. */
export const deliveryRef = z.object({
  projectId,
  id: z.string(),
  tries: z.int().default(0).describe('Retries that it had before it was put off'),
}) satisfies z.ZodType<Pick<Delivery, 'projectId' | 'id'>>;

/** Environment of the functions that send webhooks. */
export const webhookVariables = variables.pick({
  API_URL: true,
  RUNNER_POWER_ARN: true,
  WEBHOOK_RETRIES_QUEUE_URL: true,
  WEBHOOK_ALLOWED: true,
});

/** Makes the webhook senders; `guard` checks their target addresses. */
export const wireWebhooks = (
  config: z.infer<typeof webhookVariables>,
  guard: AddressGuard = addressGuard(config.WEBHOOK_ALLOWED),
) => {
  const queue = whenNeeded(async () =>
    (await import('./adapters/webhooks/retry-queue.ts')).retryQueue(config.WEBHOOK_RETRIES_QUEUE_URL),
  );
  const sendWebhook = ownByInvocation({
    now,
    apiUrl: config.API_URL,
    invoke: invokeWhenNeeded(config.RUNNER_POWER_ARN),
    overHttp: httpWebhookSender(now, guard),
  });
  return {
    sendWebhook: loggedWebhooks(sendWebhook, log),
    retryWebhook: async (
      { projectId, id }: Pick<Delivery, 'projectId' | 'id'>,
      { delaySeconds, tries } = firstRetry,
    ): Promise<void> => (await queue())({ projectId, id, tries }, delaySeconds),
  };
};

/** Keys with which the control plane signs the tokens of agents and people; read at the first use. */
export const wireSigningKeys = (table: Table): SigningKeys =>
  rememberSigningKeys(() => loadSigningKeys(table, { now, newId, randomBytes }), now);

/** Environment of the functions that hand schedules over. */
export const schedulerVariables = variables.pick({
  SCHEDULE_GROUP: true,
  SCHEDULED_START_ARN: true,
  SCHEDULER_ROLE_ARN: true,
  SCHEDULER_DEAD_LETTERS_ARN: true,
});

export const wireScheduler = (config: z.infer<typeof schedulerVariables>): { scheduler: Scheduler } => {
  const scheduler = whenNeeded(async () =>
    (await import('./adapters/schedules/scheduler.ts')).eventBridgeScheduler({
      groupName: config.SCHEDULE_GROUP,
      functionArn: config.SCHEDULED_START_ARN,
      roleArn: config.SCHEDULER_ROLE_ARN,
      deadLetterArn: config.SCHEDULER_DEAD_LETTERS_ARN,
    }),
  );
  return {
    scheduler: {
      put: async (schedule) => (await scheduler()).put(schedule),
      remove: async (id) => (await scheduler()).remove(id),
    },
  };
};

/** Environment of the functions that make task queues and ring in them. */
export const queueVariables = variables.pick({
  QUEUE_URL_PREFIX: true,
  QUEUE_NAME_PREFIX: true,
  STACK_NAME: true,
});

export const wireQueues = (config: z.infer<typeof queueVariables>): Queues => {
  const queues = whenNeeded(async () =>
    (await import('./adapters/tasks/queues.ts')).sqsQueues({
      namePrefix: config.QUEUE_NAME_PREFIX,
      urlPrefix: config.QUEUE_URL_PREFIX,
      stackName: config.STACK_NAME,
    }),
  );
  return {
    create: async (queue) => (await queues()).create(queue),
    remove: async (queue) => (await queues()).remove(queue),
    ring: async (queue, doorbell) => (await queues()).ring(queue, doorbell),
    urlOf: (queue) => `${config.QUEUE_URL_PREFIX}${queue}`,
  };
};

/** Environment of the functions that follow EC2 and repair. */
export const followVariables = variables
  .pick({
    TABLE_NAME: true,
    SECRETS_KEY_ARN: true,
    AWS_REGION: true,
    RUNNER_FLEETS: true,
  })
  .extend({ ...webhookVariables.shape, ...queueVariables.shape });

/** Makes the parts of the functions that follow EC2 and repair: all to assign tasks and wake runners. */
export const wireFollowing = (config: z.infer<typeof followVariables>) => {
  const stores = wireStores(openSealedTable(config.TABLE_NAME, config.SECRETS_KEY_ARN));
  return {
    ...stores,
    runners: measuredRunners(stores.runners, stores.prices, measure, config.AWS_REGION),
    ...wireWebhooks(config),
    queues: wireQueues(config),
    instances: ec2Instances(),
    startSoon: invokeWhenNeeded(config.RUNNER_POWER_ARN),
    fleets: config.RUNNER_FLEETS,
    apiUrl: config.API_URL,
    region: config.AWS_REGION,
    stackName: config.STACK_NAME,
  };
};

/** Environment of the functions that start tasks by a trigger other than a person. */
export const causeVariables = variables
  .pick({
    TABLE_NAME: true,
    SECRETS_KEY_ARN: true,
    AUDIT_RETENTION_DAYS: true,
  })
  .extend({ ...webhookVariables.shape, ...queueVariables.shape });

/** Makes the parts of these functions: everything to start a task of a template, and the audit trail. */
export const wireStartByCause = (config: z.infer<typeof causeVariables>) => {
  const stores = wireStores(openSealedTable(config.TABLE_NAME, config.SECRETS_KEY_ARN));
  const { table } = stores;
  return {
    ...stores,
    ...wireWebhooks(config),
    readForTask: (project: ProjectId, templateId: string) => readForTask(table, project, templateId),
    readInventory: resourceStores(table, { now, newId }).inventories.get,
    audit: auditTrail(table, { now, newId, retentionDays: config.AUDIT_RETENTION_DAYS }),
    queues: wireQueues(config),
    apiUrl: config.API_URL,
  };
};
