/** Calls of the agent to the API. All are POST under /api/agent. */
import * as z from 'zod';
import { app } from './app.ts';
import { ansibleOptions, terraformOptions } from './app-options.ts';
import { instant } from './common.ts';
import { doorbell, taskPartIds } from './doorbell.ts';
import { projectId, runnerId, taskId } from './ids.ts';
import { inventoryFields } from './inventory.ts';
import { keySecret } from './key.ts';
import { logChunk, maxChunksPerCall } from './log.ts';
import { repositoryFields } from './repository.ts';
import { commit, hostResults } from './result.ts';
import { diskShortage } from './runner.ts';
import { surveyAnswers } from './survey.ts';
import { onDrain } from './template.ts';
import { cleaned } from './text.ts';

/** Time for which a runner keeps its tasks without a heartbeat. */
export const leaseMs = 60_000;
/** Interval at which a busy agent renews its lease; three may be lost before it expires. */
export const heartbeatIntervalMs = 15_000;

/** POST challenge (bearer: the runner's token). Only the holder of the private key can decrypt the answer. */
export const challengeResponse = z.object({
  challenge: z.string().describe('JWE; its plain text is the answer'),
});

/** POST credentials (bearer: the runner's token). */
export const credentialsRequest = z.strictObject({
  answer: z.string().max(4000),
  agentVersion: cleaned(z.string().max(50)),
  agentId: z.uuid().describe('Of the working folder: the same after a restart of the agent'),
  isStart: z.boolean().default(false).describe('The first exchange since the agent was started'),
});

export type CredentialsRequest = z.infer<typeof credentialsRequest>;

/** Settings that the control plane may change while the agent runs. */
export const agentSettings = z.object({
  queueUrls: z.array(z.string()),
  controlQueueUrl: z
    .string()
    .optional()
    .describe('Of the queue that is this runner’s alone; whatever rings there: send a heartbeat at once'),
  maxParallelTasks: z.int().describe('0 = no limit'),
  idleTimeoutMs: z
    .int()
    .optional()
    .describe('Offer to drain after this long without a task; absent when nobody would stop the instance'),
  stayMs: z
    .int()
    .min(0)
    .optional()
    .describe('Offer to drain no earlier than after this long from now: what the start has paid for'),
});
export type AgentSettings = z.infer<typeof agentSettings>;

export const credentialsResponse = z
  .object({
    runnerId,
    session: z.string().describe('Bearer token for the calls below'),
    expiresAt: instant.describe('Of the session and of the AWS credentials'),
    aws: z.object({
      region: z.string(),
      endpoint: z.string().optional(),
      accessKeyId: z.string(),
      secretAccessKey: z.string(),
      sessionToken: z.string(),
    }),
    settings: agentSettings,
  })
  .meta({ id: 'AgentCredentials' });
export type CredentialsResponse = z.infer<typeof credentialsResponse>;

/**
 * POST claim (bearer: the session). 409 `not_claimable` = forget this doorbell; 409 `try_later` = put it
 * back.
 */
export const claimRequest = z.strictObject({
  projectId,
  taskId,
  queue: z.string().max(200).optional().describe('As the doorbell tells it; saves a read'),
  aloneAt: instant.optional().describe('As the doorbell tells it; saves a read'),
  parts: taskPartIds.optional().describe('As the doorbell tells it; they are read sooner'),
  again: z
    .boolean()
    .optional()
    .describe('The answer to a claim before did not arrive: what was given then is given once more'),
});
export type ClaimRequest = z.infer<typeof claimRequest>;

export const claimResponse = z
  .object({
    projectId,
    taskId: taskId.describe(
      'The task that is given: the first of its queue that may start, so not always the one that rang',
    ),
    attempt: z.int(),
    lease: z
      .string()
      .describe('Proves the right to log and finish; good until the next heartbeat is overdue'),
    payload: z.string().describe('JWE of a taskPayload to the runner’s public key'),
    forget: z
      .boolean()
      .optional()
      .describe('The task that rang waits no longer: remove its doorbell, though another task is given'),
    finishTakesLog: z
      .boolean()
      .optional()
      .describe('A finish may carry the last chunks of the log; absent: send them before it'),
  })
  .meta({ id: 'Claim' });
export type ClaimResponse = z.infer<typeof claimResponse>;

const repositoryPayload = repositoryFields
  .pick({ url: true, branch: true, knownHosts: true })
  .extend({ key: keySecret.optional() });

const passwordKey = z.object({ vaultId: z.string(), key: keySecret });

const ansiblePayload = ansibleOptions.omit({ vaultKeys: true, becomeKeyId: true }).extend({
  vaultKeys: z.array(passwordKey).optional(),
  becomeKey: keySecret.optional(),
});

/** Complete input of a task, secrets included; travels only as JWE. */
export const taskPayload = z.object({
  projectId,
  taskId,
  attempt: z.int(),
  templateName: z.string(),
  app,
  script: z.string().optional(),
  path: z.string().optional(),
  arguments: z.array(z.string()),
  timeoutMs: z.int(),
  stopGraceMs: z.int().describe('Between SIGTERM and SIGKILL'),
  onDrain,
  variables: z.record(z.string(), z.string()),
  secrets: z.record(z.string(), z.string()),
  secretFiles: z.record(z.string(), z.string()).optional(),
  survey: surveyAnswers.optional(),
  surveySecrets: surveyAnswers.optional(),
  ansible: ansiblePayload.optional(),
  terraform: terraformOptions.optional(),
  repository: repositoryPayload.optional(),
  inventory: inventoryFields.and(z.object({ key: keySecret.optional() })).optional(),
});
export type TaskPayload = z.infer<typeof taskPayload>;

/** POST heartbeat (bearer: the session). Names every task that the agent holds or has sent a claim for. */
export const heartbeatRequest = z.strictObject({
  agentVersion: cleaned(z.string().max(50)),
  draining: z.boolean().optional().describe('The agent is shutting down: it takes no task any more'),
  leaving: z.boolean().optional().describe('Its last heartbeat: another agent may take its place'),
  tasksShareUser: z
    .boolean()
    .optional()
    .describe('Tasks run as the user of the agent, and so can read its key'),
  lowDisk: diskShortage.optional().describe('Absent when the working folder has room for a task'),
  tasks: z.array(z.strictObject({ projectId, taskId, attempt: z.int().optional() })).max(1000),
  claims: z
    .int()
    .optional()
    .describe('As the last answer told it; a heartbeat that does not know of a later claim gives up no task'),
});
export type HeartbeatRequest = z.infer<typeof heartbeatRequest>;

export const heartbeatResponse = z
  .object({
    leases: z.array(
      z.object({
        taskId,
        lease: z.string(),
        stop: z.boolean().describe('A user stopped the task'),
        confirmed: z
          .boolean()
          .optional()
          .describe('What a user said to the task that waits for it; false = rejected'),
      }),
    ),
    claims: z.int().optional().describe('How many claims this runner has made; for the next heartbeat'),
    lost: z.array(taskId).describe('No longer this agent’s: end them and report nothing'),
    drain: z.boolean().describe('Stop polling, finish or hand back what runs, then call drain'),
    settings: agentSettings,
  })
  .meta({ id: 'Heartbeat' });
export type HeartbeatResponse = z.infer<typeof heartbeatResponse>;

/** POST drain (bearer: the session). The agent holds no task and has stopped polling. */
export const drainResponse = z.object({
  sleep: z.boolean().describe('false = there is work after all, or it is too soon: poll again'),
  waitMs: z.int().min(0).optional().describe('Of an offer that came too soon: offer again after this long'),
  next: doorbell
    .optional()
    .describe(
      'Work that waits for this runner: claim it now, as its doorbell may have reached a poll that was aborted',
    ),
});
export type DrainResponse = z.infer<typeof drainResponse>;

/** POST log (bearer: the session). Chunks that are already stored are accepted again and change nothing. */
export const logRequest = z.strictObject({
  lease: z.string().max(4000),
  chunks: z.array(logChunk).min(1).max(maxChunksPerCall),
});
export type LogRequest = z.infer<typeof logRequest>;

export const logResponse = z.object({ stop: z.boolean() });

/**
 * POST await-confirmation (bearer: the session). The task waits for a person; the heartbeat returns the
 * decision.
 */
export const awaitConfirmationRequest = z.strictObject({ lease: z.string().max(4000) });

/** POST finish (bearer: the session). */
export const finishRequest = z.strictObject({
  lease: z.string().max(4000),
  status: z
    .enum(['success', 'error', 'stopped', 'handed_back', 'lost'])
    .describe(
      '"handed_back": ended for a drain, so the next attempt waits and none is counted; "lost": the runner could not go on with it',
    ),
  exitCode: z.int().optional(),
  reason: cleaned(z.string().max(2000)).optional().describe('What went wrong, in a sentence'),
  logChunks: z.int().min(0).describe('How many chunks the log has in all'),
  chunks: z
    .array(logChunk)
    .min(1)
    .max(maxChunksPerCall)
    .optional()
    .describe('The last of them, if the claim said that a finish takes them; stored before the task ends'),
  commit: commit.optional(),
  hosts: hostResults.optional(),
});
export type FinishRequest = z.infer<typeof finishRequest>;
