/** Routes of the control plane itself, open to anybody: health, the document, the reference. */
import * as endpoints from '../../protocol/endpoints/service.ts';
import type { ApiDeps, ApiEnv } from './deps.ts';
import type { Document } from './document.ts';
import { refuse } from './refuse.ts';
import { routeOf, routes } from './route.ts';

/** No content from elsewhere, and no script: people are signed in at the page's origin, the console's. */
const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

export const serviceRoutes = (
  deps: Pick<ApiDeps, 'checkHealth' | 'log'>,
  readDocument: () => Promise<Document>,
) =>
  routes<ApiEnv>()
    .openapi(routeOf(endpoints.checkHealth), async (c) => {
      try {
        await deps.checkHealth();
        return c.json({ status: 'ok' as const }, 200);
      } catch (error) {
        deps.log.error('The table cannot be read', { error: String(error) });
        return refuse(
          c,
          'unavailable',
          'The table cannot be read. See the log of this function for the cause.',
        );
      }
    })
    .openapi(routeOf(endpoints.getDocument), async (c) => {
      const document: Record<string, unknown> = { ...(await readDocument()) };
      return c.json(document, 200);
    })
    .openapi(routeOf(endpoints.getReference), async (c) => {
      const { renderReference } = await import('./reference-page.ts');
      return c.html(await renderReference(await readDocument()), 200, pageHeaders);
    });
