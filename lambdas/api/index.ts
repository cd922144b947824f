/**
 * The API in Lambda, which no other file here knows. Reads the environment, makes clients, passes events on.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { handle } from 'hono/aws-lambda';
import { addressGuard } from '../adapters/address-guard.ts';
import { integrationStore } from '../adapters/integrations/integrations.ts';
import { pendingEventStore } from '../adapters/integrations/pending-events.ts';
import { patientTable } from '../adapters/patient-table.ts';
import { apiTokenStore, rememberCallers } from '../adapters/people/api-tokens.ts';
import { auditTrail, recordSecretUse } from '../adapters/people/audit.ts';
import { invitationStore } from '../adapters/people/invitations.ts';
import { openIdConnect } from '../adapters/people/oidc.ts';
import { passwords } from '../adapters/people/passwords.ts';
import { attemptStore } from '../adapters/people/rate-limits.ts';
import { signInProviderStore } from '../adapters/people/sign-in-providers.ts';
import { userStore } from '../adapters/people/users.ts';
import { nameStore } from '../adapters/resources/names.ts';
import {
  projectStore,
  readForTask,
  readKeyText,
  readTaskParts,
  resourceStores,
} from '../adapters/resources/resources.ts';
import { agentTokens } from '../adapters/runners/agent-tokens.ts';
import { stsIdentity } from '../adapters/runners/caller-identity.ts';
import { seenEnrolments } from '../adapters/runners/enrolments.ts';
import { powerRequests } from '../adapters/runners/power-requests.ts';
import { registrationTokenStore } from '../adapters/runners/registration-tokens.ts';
import { scheduleStore } from '../adapters/schedules/schedules.ts';
import { makeKeyPair, seal } from '../adapters/secrets/payload-encryption.ts';
import { signedTokens } from '../adapters/secrets/signed-tokens.ts';
import { startKeys } from '../adapters/tasks/start-keys.ts';
import { readConfig, variables } from '../config.ts';
import { whenNeeded } from '../when-needed.ts';
import {
  invokeWhenNeeded,
  openSealedTable,
  queueVariables,
  schedulerVariables,
  wireQueues,
  wireScheduler,
  wireSigningKeys,
  wireStores,
  wireWebhooks,
} from '../wiring.ts';
import { createApp } from './app.ts';
import { exactPath } from './exact-path.ts';
import { gatewayRequestId, sourceBehindEdge } from './request-source.ts';

const config = readConfig(
  variables
    .pick({
      TABLE_NAME: true,
      SECRETS_KEY_ARN: true,
      API_URL: true,
      CONSOLE_URL: true,
      EDGE_KEY_HASH: true,
      QUEUE_ARN_PREFIX: true,
      RUNNER_ROLE_ARN: true,
      RUNNER_POWER_ARN: true,
      INTEGRATION_EVENTS_ARN: true,
      WEBHOOK_RETRIES_QUEUE_URL: true,
      WEBHOOK_ALLOWED: true,
      AUDIT_RETENTION_DAYS: true,
      RUNNER_FLEETS: true,
      AWS_REGION: true,
      AWS_ENDPOINT_URL: true,
    })
    .extend({ ...queueVariables.shape, ...schedulerVariables.shape }),
  process.env,
);

const stores = wireStores(openSealedTable(config.TABLE_NAME, config.SECRETS_KEY_ARN));
const { table, now, newId } = stores;
const guard = addressGuard(config.WEBHOOK_ALLOWED);
const resources = resourceStores(table, { now, newId });

const audit = auditTrail(table, { now, newId, retentionDays: config.AUDIT_RETENTION_DAYS });
const signingKeys = wireSigningKeys(table);
const apiTokens = apiTokenStore(table, { now, newId, randomBytes });

const agentCredentials = whenNeeded(async () =>
  (await import('../adapters/runners/runner-credentials.ts')).stsCredentials(
    config.RUNNER_ROLE_ARN,
    config.QUEUE_ARN_PREFIX,
  ),
);

/** GitHub and GitLab give a webhook ten seconds to answer; a few calls may take this long within them. */
const patient = patientTable(table, { now, pause, forMs: 2000 });

/** Maximum time that a revoked token may still be accepted. */
const rememberTokensMs = 30_000;

const app = createApp({
  ...stores,
  startKeys: startKeys(table, { now, newId }),
  ...wireScheduler(config),
  schedules: scheduleStore(table, { now, newId }),
  ...wireWebhooks(config, guard),
  refuseUrl: guard.refuse,
  resources,
  names: nameStore(table, now),
  projects: projectStore(table, { now, newId }),
  integrations: integrationStore(patient, { now, newId, randomBytes, apiUrl: config.API_URL }),
  pendingEvents: pendingEventStore(patient, { now }),
  workEventSoon: invokeWhenNeeded(config.INTEGRATION_EVENTS_ARN),
  readKeyText: (projectId, id) => readKeyText(patient, projectId, id),
  apiTokens,
  verifyToken: rememberCallers(apiTokens.verify, now, rememberTokensMs),
  registrationTokens: registrationTokenStore(table, { now, newId, randomBytes }),
  readTemplate: resources.templates.get,
  readForTask: (projectId, templateId) => readForTask(table, projectId, templateId),
  readInventory: resources.inventories.get,
  readTaskParts: (task) => readTaskParts(table, task),
  queues: wireQueues(config),
  settlePowerSoon: powerRequests(invokeWhenNeeded(config.RUNNER_POWER_ARN)),
  users: userStore(table, { now, newId }),
  invitations: invitationStore(table, { now, newId, randomBytes }),
  attempts: attemptStore(patient, now),
  audit,
  recordSecretUse: recordSecretUse(audit),
  signInProviders: signInProviderStore(table, now),
  oidc: openIdConnect(guard, stores.log),
  passwords: passwords(randomBytes),
  agentTokens: agentTokens(signingKeys, now),
  personTokens: signedTokens(signingKeys, now),
  requestIdOf: gatewayRequestId,
  sourceOf: sourceBehindEdge(config.EDGE_KEY_HASH),
  fleets: config.RUNNER_FLEETS,
  identifyCaller: stsIdentity(new URL(config.API_URL).host, config.AWS_ENDPOINT_URL),
  enrolments: seenEnrolments(table),
  // The account in the ARN of a role of the stack.
  accountId: config.RUNNER_ROLE_ARN.split(':')[4] ?? '',
  vendCredentials: async (runnerId, queues) => (await agentCredentials())(runnerId, queues),
  seal,
  makeKeyPair,
  randomBytes,
  checkHealth: async () => {
    await table.get({ pk: 'stack', sk: 'health' });
  },
  apiUrl: config.API_URL,
  consoleUrl: config.CONSOLE_URL,
  region: config.AWS_REGION,
  awsEndpoint: config.AWS_ENDPOINT_URL,
});

const serve = handle(app);

export const handler: typeof serve = (event, context) =>
  serve('rawPath' in event ? { ...event, rawPath: exactPath(event.rawPath) } : event, context);
