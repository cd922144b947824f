/** Endpoints of API tokens, of projects and of the stack. */
import { adminTokenInput, apiToken, apiTokenInput, newApiToken } from '../person.ts';
import { answer, created, endpoint, jsonBody, listOf, noContent } from './endpoint.ts';
import { inAdminToken, inApiToken, inProject } from './params.ts';

export const listApiTokens = endpoint({
  operationId: 'listApiTokens',
  method: 'get',
  path: '/api/projects/{projectId}/api-tokens',
  access: 'owner',
  tag: 'Members',
  summary: 'List the API tokens of a project',
  request: { params: inProject },
  responses: { 200: answer('The tokens, oldest first', listOf(apiToken)) },
});

export const createApiToken = endpoint({
  operationId: 'createApiToken',
  method: 'post',
  path: '/api/projects/{projectId}/api-tokens',
  access: 'owner',
  tag: 'Members',
  summary: 'Create an API token with a role in the project',
  description: 'The token is shown only once.',
  request: { params: inProject, body: jsonBody(apiTokenInput) },
  responses: { 201: created('The token', newApiToken) },
});

export const revokeApiToken = endpoint({
  operationId: 'revokeApiToken',
  method: 'delete',
  path: '/api/projects/{projectId}/api-tokens/{apiTokenId}',
  access: 'owner',
  tag: 'Members',
  summary: 'Revoke an API token of the project',
  request: { params: inApiToken },
  responses: { 204: noContent('Revoked: it stops working within 30 seconds') },
});

export const listAdminTokens = endpoint({
  operationId: 'listAdminTokens',
  method: 'get',
  path: '/api/api-tokens',
  access: 'admin',
  tag: 'Members',
  summary: "List the stack's API tokens",
  responses: { 200: answer('The tokens, oldest first', listOf(apiToken)) },
});

export const createAdminToken = endpoint({
  operationId: 'createAdminToken',
  method: 'post',
  path: '/api/api-tokens',
  access: 'admin',
  tag: 'Members',
  summary: 'Create an API token with all permissions',
  description: 'The token is shown only once.',
  request: { body: jsonBody(adminTokenInput) },
  responses: { 201: created('The token', newApiToken) },
});

export const revokeAdminToken = endpoint({
  operationId: 'revokeAdminToken',
  method: 'delete',
  path: '/api/api-tokens/{apiTokenId}',
  access: 'admin',
  tag: 'Members',
  summary: "Revoke one of the stack's API tokens",
  request: { params: inAdminToken },
  responses: { 204: noContent('Revoked: it stops working within 30 seconds') },
});
