/** Routes of the control plane itself, open to anybody: health, the document, the reference. */
import * as z from 'zod';
import type { ApiDeps, ApiEnv } from './deps.ts';
import type { Document } from './document.ts';
import { renderReference } from './reference-page.ts';
import { refuse } from './refuse.ts';
import { answer, anybody, describe, routes } from './route.ts';

const shared = { tags: ['Service'], security: anybody };

/** No content from elsewhere, and no script: people are signed in at the page's origin, the console's. */
const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

const html = (description: string) => ({
  description,
  content: { 'text/html': { schema: z.string() } },
});

export const serviceRoutes = (deps: Pick<ApiDeps, 'checkHealth' | 'log'>, readDocument: () => Document) =>
  routes<ApiEnv>()
    .openapi(
      describe(
        {
          ...shared,
          method: 'get',
          path: '/api/health',
          operationId: 'checkHealth',
          summary: 'Whether the control plane can work',
          responses: { 200: answer('It can', z.object({ status: z.literal('ok') })) },
        },
        'unavailable',
      ),
      async (c) => {
        try {
          await deps.checkHealth();
          return c.json({ status: 'ok' as const }, 200);
        } catch (error) {
          deps.log('The table cannot be read', { error: String(error) });
          return refuse(c, 'unavailable', 'The table cannot be read. The log of this function tells why.');
        }
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path: '/api/openapi.json',
        operationId: 'getDocument',
        summary: 'This API as an OpenAPI 3.1 document',
        responses: { 200: answer('The document', z.record(z.string(), z.unknown())) },
      }),
      (c) => {
        const document: Record<string, unknown> = { ...readDocument() };
        return c.json(document, 200);
      },
    )
    .openapi(
      describe({
        ...shared,
        method: 'get',
        path: '/api/docs',
        operationId: 'getReference',
        summary: 'This API as a page to read',
        responses: { 200: html('The reference') },
      }),
      async (c) => c.html(await renderReference(readDocument()), 200, pageHeaders),
    );
