/** Endpoints of the control plane itself. */
import * as z from 'zod';
import { answer, endpoint } from './endpoint.ts';

export const checkHealth = endpoint({
  operationId: 'checkHealth',
  method: 'get',
  path: '/api/health',
  access: 'anybody',
  tag: 'Service',
  summary: 'Check that the control plane works',
  responses: { 200: answer('It works', z.object({ status: z.literal('ok') })) },
  problems: ['unavailable'],
});

export const getDocument = endpoint({
  operationId: 'getDocument',
  method: 'get',
  path: '/api/openapi.json',
  access: 'anybody',
  tag: 'Service',
  summary: 'Get this API as an OpenAPI 3.1 document',
  responses: { 200: answer('The document', z.record(z.string(), z.unknown())) },
});

export const getReference = endpoint({
  operationId: 'getReference',
  method: 'get',
  path: '/api/docs',
  access: 'anybody',
  tag: 'Service',
  summary: 'Get this API as a page to read',
  responses: { 200: { description: 'The reference', content: { 'text/html': { schema: z.string() } } } },
});
