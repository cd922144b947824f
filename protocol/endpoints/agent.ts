/** Endpoints that agents and new machines call. */
import {
  awaitConfirmationRequest,
  challengeResponse,
  claimRequest,
  claimResponse,
  credentialsRequest,
  credentialsResponse,
  drainResponse,
  finishRequest,
  heartbeatRequest,
  heartbeatResponse,
  logRequest,
  logResponse,
} from '../agent.ts';
import { bootFailureRequest, enrollRequest, enrollResponse } from '../enrolment.ts';
import { createdRunner, registerRequest } from '../runner.ts';
import { answer, created, endpoint, jsonBody, noContent } from './endpoint.ts';

export const reportBootFailure = endpoint({
  operationId: 'reportBootFailure',
  method: 'post',
  path: '/api/agent/boot-failure',
  access: 'machine',
  tag: 'Agents',
  summary: 'Report that the first boot of an instance of a fleet failed',
  description:
    "The instance proves itself by a signed GetCallerIdentity of its instance profile's role, made for this API and this report. The start counts as failed, and the instance is stopped. A report of an earlier start changes nothing.",
  request: { body: jsonBody(bootFailureRequest) },
  responses: { 204: noContent('The report is recorded, or belongs to an earlier start') },
  problems: ['enrolment_refused', 'try_later', 'too_many_attempts', 'unavailable'],
});

export const registerRunner = endpoint({
  operationId: 'registerRunner',
  method: 'post',
  path: '/api/agent/register',
  access: 'registration_token',
  tag: 'Agents',
  summary: 'Register this machine as a runner',
  description:
    'The machine keeps its private key and sends the public key. The registration token works once. If another runner has the name, the end of the id is added to it.',
  request: { body: jsonBody(registerRequest) },
  responses: {
    201: created('The new runner: its config file without the private key', createdRunner),
  },
  problems: ['registration_token_used', 'instance_taken', 'too_many_attempts'],
});

export const challengeAgent = endpoint({
  operationId: 'challengeAgent',
  method: 'post',
  path: '/api/agent/challenge',
  access: 'runner_token',
  tag: 'Agents',
  summary: 'Get a challenge that only the private key of the runner opens',
  responses: { 200: answer('The challenge', challengeResponse) },
});

export const openAgentSession = endpoint({
  operationId: 'openAgentSession',
  method: 'post',
  path: '/api/agent/credentials',
  access: 'runner_token',
  tag: 'Agents',
  summary: 'Exchange the answer to the challenge for a session and AWS credentials',
  request: { body: jsonBody(credentialsRequest) },
  responses: { 200: answer('The session', credentialsResponse) },
  problems: ['wrong_answer', 'agent_running'],
});

export const unregisterRunner = endpoint({
  operationId: 'unregisterRunner',
  method: 'post',
  path: '/api/agent/unregister',
  access: 'runner_token',
  tag: 'Agents',
  summary: 'Remove the runner of this token',
  description: 'Its instance, if it has one, is not stopped, now or later.',
  responses: { 204: noContent('The runner is removed') },
  problems: ['in_use'],
});

export const claimTask = endpoint({
  operationId: 'claimTask',
  method: 'post',
  path: '/api/agent/claim',
  access: 'agent_session',
  tag: 'Agents',
  summary: 'Claim the task of a doorbell',
  request: { body: jsonBody(claimRequest) },
  responses: { 200: answer('The lease and the encrypted payload', claimResponse) },
  problems: ['not_claimable', 'try_later'],
});

export const sendHeartbeat = endpoint({
  operationId: 'sendHeartbeat',
  method: 'post',
  path: '/api/agent/heartbeat',
  access: 'agent_session',
  tag: 'Agents',
  summary: 'Report that the agent is alive, and renew its leases',
  request: { body: jsonBody(heartbeatRequest) },
  responses: { 200: answer('New leases, lost tasks, and settings', heartbeatResponse) },
});

export const offerSleep = endpoint({
  operationId: 'offerSleep',
  method: 'post',
  path: '/api/agent/drain',
  access: 'agent_session',
  tag: 'Agents',
  summary: 'Offer to go to sleep: the agent holds no task and has stopped polling',
  responses: { 200: answer('True if the instance will be stopped', drainResponse) },
});

export const appendLog = endpoint({
  operationId: 'appendLog',
  method: 'post',
  path: '/api/agent/log',
  access: 'agent_session',
  tag: 'Agents',
  summary: 'Store chunks of a task’s log',
  description: 'A chunk that is already stored is accepted again and changes nothing. Maximum body: 4 MiB.',
  request: { body: jsonBody(logRequest) },
  responses: { 200: answer('True if a user stopped the task', logResponse) },
  problems: ['lease_expired', 'lease_lost'],
});

export const awaitConfirmation = endpoint({
  operationId: 'awaitConfirmation',
  method: 'post',
  path: '/api/agent/await-confirmation',
  access: 'agent_session',
  tag: 'Agents',
  summary: 'Make a task wait for confirmation by a person',
  description: 'A heartbeat answers with the decision.',
  request: { body: jsonBody(awaitConfirmationRequest) },
  responses: { 204: noContent('The task waits, or is already decided') },
  problems: ['lease_expired', 'lease_lost'],
});

export const finishTask = endpoint({
  operationId: 'finishTask',
  method: 'post',
  path: '/api/agent/finish',
  access: 'agent_session',
  tag: 'Agents',
  summary: 'Report the end of a task',
  request: { body: jsonBody(finishRequest) },
  responses: { 204: noContent('The end is recorded, and the slot is free') },
  problems: ['lease_expired', 'lease_lost'],
});

export const enrollInstance = endpoint({
  operationId: 'enrollInstance',
  method: 'post',
  path: '/api/agent/enroll',
  access: 'machine',
  tag: 'Agents',
  summary: 'Enrol the instance that a fleet launched for a runner',
  description:
    "The instance proves itself by a signed GetCallerIdentity of its instance profile's role, made for this API and this key. It keeps its private key and sends the public key.",
  request: { body: jsonBody(enrollRequest) },
  responses: { 200: answer('The config file without the private key', enrollResponse) },
  problems: ['enrolment_refused', 'try_later', 'agent_running', 'too_many_attempts', 'unavailable'],
});
