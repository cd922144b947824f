/** Endpoints of the control plane itself. */
import * as z from 'zod';
import { answer, endpoint } from './endpoint.ts';

export const checkHealth = endpoint({
  operationId: 'checkHealth',
  method: 'get',
  path: '/api/health',
  access: 'anybody',
  tag: 'Service',
  summary: 'Whether the control plane can work',
  responses: { 200: answer('It can', z.object({ status: z.literal('ok') })) },
  problems: ['unavailable'],
});

export const getDocument = endpoint({
  operationId: 'getDocument',
  method: 'get',
  path: '/api/openapi.json',
  access: 'anybody',
  tag: 'Service',
  summary: 'This API as an OpenAPI 3.1 document',
  responses: { 200: answer('The document', z.record(z.string(), z.unknown())) },
});

export const getReference = endpoint({
  operationId: 'getReference',
  method: 'get',
  path: '/api/docs',
  access: 'anybody',
  tag: 'Service',
  summary: 'This API as a page to read',
  responses: { 200: { description: 'The reference', content: { 'text/html': { schema: z.string() } } } },
});
