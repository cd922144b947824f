/**
 * Fixture of the API: the whole app over a real table, with manual time and recorded queues and webhooks.
 */
import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto';
import { compactDecrypt } from 'jose';
import * as z from 'zod';
import {
  addMs,
  type CreatedRunner,
  challengeResponse,
  claimResponse,
  createdRunner,
  credentialsResponse,
  type Instant,
  type Problem,
  problem,
  task,
  toInstant,
} from '../../../protocol/index.ts';
import type { TestTable } from '../../../test/dynamodb.ts';
import { addressGuard } from '../../adapters/address-guard.ts';
import { pricedSessions, priceStore } from '../../adapters/costs/prices.ts';
import { fleetPlaces } from '../../adapters/fleets/fleet-places.ts';
import { newId } from '../../adapters/ids.ts';
import { integrationStore } from '../../adapters/integrations/integrations.ts';
import { pendingEventStore } from '../../adapters/integrations/pending-events.ts';
import { logTo } from '../../adapters/log.ts';
import { apiTokenStore } from '../../adapters/people/api-tokens.ts';
import { auditTrail, recordSecretUse } from '../../adapters/people/audit.ts';
import { invitationStore } from '../../adapters/people/invitations.ts';
import { openIdConnect } from '../../adapters/people/oidc.ts';
import { passwords } from '../../adapters/people/passwords.ts';
import { attemptStore } from '../../adapters/people/rate-limits.ts';
import { signInProviderStore } from '../../adapters/people/sign-in-providers.ts';
import { userStore } from '../../adapters/people/users.ts';
import { nameStore } from '../../adapters/resources/names.ts';
import {
  projectStore,
  readForTask,
  readKeyText,
  readTaskParts,
  resourceStores,
} from '../../adapters/resources/resources.ts';
import { agentTokens } from '../../adapters/runners/agent-tokens.ts';
import { seenEnrolments } from '../../adapters/runners/enrolments.ts';
import { registrationTokenStore } from '../../adapters/runners/registration-tokens.ts';
import { runnerStore } from '../../adapters/runners/runners.ts';
import { sessionStore } from '../../adapters/runners/sessions.ts';
import type { ScheduleToHandOver } from '../../adapters/schedules/scheduler.ts';
import { scheduleStore } from '../../adapters/schedules/schedules.ts';
import { makeKeyPair, seal } from '../../adapters/secrets/payload-encryption.ts';
import { oneSigningKey, signedTokens } from '../../adapters/secrets/signed-tokens.ts';
import { limitStore } from '../../adapters/tasks/limits.ts';
import { lineStore } from '../../adapters/tasks/lines.ts';
import { logStore } from '../../adapters/tasks/logs.ts';
import { startKeys } from '../../adapters/tasks/start-keys.ts';
import { taskStore } from '../../adapters/tasks/tasks.ts';
import { circuitStore } from '../../adapters/webhooks/circuits.ts';
import { deliveryStore } from '../../adapters/webhooks/deliveries.ts';
import { workIntegrationEvent } from '../../flows/integrations/process-event.ts';
import { answerHeaders } from '../../problems.ts';
import { createApp } from '../app.ts';
import type { ApiDeps } from '../deps.ts';

const apiUrl = 'http://127.0.0.1:8787';

export interface Call {
  /** Bearer token; the admin's by default, none when null. */
  readonly token?: string | null;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent unchanged. */
  readonly rawBody?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type ApiFixture = Awaited<ReturnType<typeof openApiFixture>>;

export const openApiFixture = async ({ table }: TestTable, overrides: Partial<ApiDeps> = {}) => {
  // Receivers of webhooks look at the real clock, so the fixture's clock begins with it.
  let present: Instant = toInstant(Date.now());
  const now = () => present;
  const queues = new Set<string>();
  const rung: string[] = [];
  /** Schedules that EventBridge Scheduler has, and a switch for its failure. */
  const scheduler = { has: new Map<string, ScheduleToHandOver>(), isDown: false };
  const logged: { message: string; about: Readonly<Record<string, unknown>> }[] = [];
  const log = logTo((message, about) => void logged.push({ message, about }));
  const resources = resourceStores(table, { now, newId });
  const apiTokens = apiTokenStore(table, { now, newId, randomBytes });
  const signingKeys = oneSigningKey(randomBytes(32));
  const audit = auditTrail(table, { now, newId, retentionDays: 365 });

  const prices = priceStore(table);

  const deps: ApiDeps = {
    now,
    newId,
    log,
    runners: runnerStore(table),
    tasks: taskStore(table),
    startKeys: startKeys(table, { now: () => present, newId }),
    limits: limitStore(table),
    lines: lineStore(table),
    logs: logStore(table, now),
    deliveries: deliveryStore(table),
    circuits: circuitStore(table),
    prices,
    sessions: pricedSessions(sessionStore(table), prices),
    resources,
    names: nameStore(table, now),
    projects: projectStore(table, { now, newId }),
    integrations: integrationStore(table, { now, newId, randomBytes, apiUrl: apiUrl }),
    pendingEvents: pendingEventStore(table, { now }),
    // As in Lambda, but before the sender has its response.
    workEventSoon: (ref) => workIntegrationEvent(deps, ref),
    readKeyText: (projectId, id) => readKeyText(table, projectId, id),
    schedules: scheduleStore(table, { now, newId }),
    scheduler: {
      put: async (one) => {
        if (scheduler.isDown) throw new Error('Rate exceeded');
        scheduler.has.set(one.id, one);
      },
      remove: async (id) => {
        if (scheduler.isDown) throw new Error('Rate exceeded');
        scheduler.has.delete(id);
      },
    },
    apiTokens,
    verifyToken: apiTokens.verify,
    registrationTokens: registrationTokenStore(table, { now, newId, randomBytes }),
    readTemplate: resources.templates.get,
    readForTask: (projectId, templateId) => readForTask(table, projectId, templateId),
    readInventory: resources.inventories.get,
    readTaskParts: (record) => readTaskParts(table, record),
    queues: {
      create: async (queue) => {
        queues.add(queue);
        return true;
      },
      remove: async (queue) => void queues.delete(queue),
      ring: async (queue) => {
        if (queues.has(queue)) rung.push(queue);
        return queues.has(queue);
      },
      urlOf: (queue) => `http://127.0.0.1/queues/${queue}`,
    },
    settlePowerSoon: async () => {},
    sendWebhook: async () => ({ at: present, durationMs: 1, statusCode: 204 }),
    retryWebhook: async () => {},
    refuseUrl: addressGuard().refuse,
    users: userStore(table, { now, newId }),
    invitations: invitationStore(table, { now, newId, randomBytes }),
    attempts: attemptStore(table, now),
    audit,
    recordSecretUse: recordSecretUse(audit),
    // The fewest rounds that scrypt accepts: these tests are not about its strength.
    signInProviders: signInProviderStore(table, now),
    oidc: openIdConnect(addressGuard(['127.0.0.1']), log),
    passwords: passwords(randomBytes, { logN: 1, r: 8, p: 1 }),
    agentTokens: agentTokens(signingKeys, now),
    personTokens: signedTokens(signingKeys, now),
    requestIdOf: () => randomUUID(),
    sourceOf: (c) => c.req.header('x-test-source') ?? '192.0.2.1',
    fleets: [],
    fleetPlaces: fleetPlaces(table, now),
    identifyCaller: async () => ({ ok: false, code: 'refused', detail: 'Nobody can enrol here.' }),
    enrolments: seenEnrolments(table),
    accountId: '000000000000',
    vendCredentials: async () => ({
      accessKeyId: 'AKIA',
      secretAccessKey: 'secret',
      sessionToken: 'token',
      expiresAt: addMs(present, 900_000),
    }),
    seal,
    makeKeyPair,
    randomBytes,
    checkHealth: async () => {},
    apiUrl,
    region: 'us-east-1',
    consoleUrl: apiUrl,
    ...overrides,
  };
  const app = createApp(deps);
  const { token: adminToken } = await apiTokens.create({ name: 'admin' });

  const request = async (method: string, path: string, call: Call = {}): Promise<Response> => {
    const { token = adminToken, body, rawBody, headers = {} } = call;
    const text = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await app.request(path, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(text !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: text,
    });
    for (const [name, value] of Object.entries(answerHeaders)) {
      const sent = response.headers.get(name);
      if (sent !== value) throw new Error(`${method} ${path} answers with ${name}: ${sent}, not ${value}`);
    }
    return response;
  };

  /** Makes a call that must succeed; returns the JSON. */
  const call = async (method: string, path: string, body?: unknown, token?: string): Promise<unknown> => {
    const response = await request(method, path, { body, token });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };

  /** Makes one by a call; returns its id. */
  const make = async (path: string, body: unknown): Promise<string> =>
    z.looseObject({ id: z.string() }).parse(await call('POST', path, body)).id;

  /** Makes a call that must be refused. */
  const refused = async (method: string, path: string, options: Call = {}): Promise<Problem> =>
    problem.parse(await (await request(method, path, options)).json());

  const createRunner = async (path: string, input: object): Promise<CreatedRunner> =>
    createdRunner.parse(await call('POST', path, input));

  const open = async (jwe: string, privateKey: string): Promise<string> =>
    new TextDecoder().decode((await compactDecrypt(jwe, createPrivateKey(privateKey))).plaintext);

  /** Starts an agent: it proves its key, gets a session, and comes online by its first heartbeat. */
  const startAgent = async ({ token, privateKey = '' }: CreatedRunner): Promise<string> => {
    const { challenge } = challengeResponse.parse(
      await call('POST', '/api/agent/challenge', undefined, token),
    );
    const answer = await open(challenge, privateKey);
    const body = { answer, agentVersion: '1.0.0', agentId: randomUUID(), isStart: true };
    const { session } = credentialsResponse.parse(await call('POST', '/api/agent/credentials', body, token));
    await call('POST', '/api/agent/heartbeat', { agentVersion: '1.0.0', tasks: [] }, session);
    return session;
  };

  return {
    deps,
    app,
    request,
    call,
    make,
    refused,
    createRunner,
    open,
    startAgent,
    adminToken,
    queues,
    rung,
    scheduler,
    logged,
    pass: (ms: number) => {
      present = addMs(present, ms);
    },
    startTask: async (projectId: string, templateId: string) =>
      task.parse(await call('POST', `/api/projects/${projectId}/tasks`, { templateId })),
    claim: async (session: string, projectId: string, taskId: string) =>
      claimResponse.parse(await call('POST', '/api/agent/claim', { projectId, taskId }, session)),
  };
};
