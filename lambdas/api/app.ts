/** The API as a Hono app. It knows nothing of Lambda or AWS: what it works with is passed in. */

import { methodNotAllowed } from 'hono/method-not-allowed';
import { registerRoutes, runnerTokenRoutes, sessionRoutes } from './agent.ts';
import { apiTokenRoutes } from './api-tokens.ts';
import { auditChanges, auditRoutes } from './audit.ts';
import { authorize, findOperation } from './authorize.ts';
import { bootFailureRoutes } from './boot-failure.ts';
import { costHistoryRoutes } from './cost-history.ts';
import { costRoutes } from './costs.ts';
import { deliveryRoutes } from './deliveries.ts';
import type { ApiDeps, ApiEnv } from './deps.ts';
import { buildDocument, type Document } from './document.ts';
import { enrollRoutes } from './enroll.ts';
import { environmentRoutes } from './environments.ts';
import { fleetRoutes } from './fleets.ts';
import { requirePerson } from './identify.ts';
import { insightRoutes } from './insight.ts';
import { integrationEventRoutes, integrationRoutes } from './integrations.ts';
import { inventoryRoutes } from './inventories.ts';
import { acceptanceRoutes, invitationRoutes } from './invitations.ts';
import { keyRoutes } from './keys.ts';
import { loginRoutes, setupRoutes } from './login.ts';
import { logRoutes } from './logs.ts';
import { memberRoutes, userRoutes } from './members.ts';
import { answerError, answerNotFound, guardAnswer, limitBody, nameRequest } from './middleware.ts';
import { oidcRoutes, signInProviderRoutes } from './oidc.ts';
import { projectRoutes } from './projects.ts';
import { refuse } from './refuse.ts';
import { globalRegistrationTokenRoutes, projectRegistrationTokenRoutes } from './registration-tokens.ts';
import { repositoryRoutes } from './repositories.ts';
import { routes } from './route.ts';
import { runnerActRoutes } from './runner-acts.ts';
import { inGlobalPool, inProjects } from './runner-place.ts';
import { runnerRoutes } from './runners.ts';
import { schedulePreviewRoutes, scheduleRoutes } from './schedules.ts';
import { selfRoutes } from './self.ts';
import { serviceRoutes } from './service.ts';
import { taskRoutes } from './tasks.ts';
import { templateRoutes } from './templates.ts';
import { globalTimelineRoutes, projectTimelineRoutes } from './timeline.ts';

/** Chunks of a log may have 3 MiB, all characters escaped; nothing else comes near 1 MiB. */
const maxLogMegabytes = 4;
const maxMegabytes = 1;

export const createApp = (deps: ApiDeps) => {
  const app = routes<ApiEnv>();
  app.onError(answerError(deps.log));
  app.notFound(answerNotFound);
  app.use(nameRequest(deps.requestIdOf));
  app.use(guardAnswer);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(', ');
        const refused = refuse(c, 'method_not_allowed', `This path takes ${allow}.`);
        refused.headers.set('allow', allow);
        return refused;
      },
    }),
  );
  const limits = { log: limitBody(maxLogMegabytes), others: limitBody(maxMegabytes) };
  app.use((c, next) => (c.req.path === '/api/agent/log' ? limits.log : limits.others)(c, next));

  let document: Document | undefined;
  const readDocument = (): Document => {
    document ??= buildDocument(app, deps.apiUrl);
    return document;
  };
  // Anybody, and agents with tokens of their own …
  app.route('/', serviceRoutes(deps, readDocument));
  app.route('/', loginRoutes(deps));
  app.route('/', oidcRoutes(deps));
  app.route('/', acceptanceRoutes(deps));
  app.route('/', registerRoutes(deps));
  app.route('/', enrollRoutes(deps));
  app.route('/', bootFailureRoutes(deps));
  app.route('/', runnerTokenRoutes(deps));
  app.route('/', sessionRoutes(deps));
  app.route('/', integrationEventRoutes(deps));
  // … and from here on, people who signed in or hold an API token: what is added below is closed to others.
  app.use('/api/*', requirePerson(deps));
  const operationOf = findOperation(app);
  app.use('/api/*', authorize(deps, operationOf));
  app.use('/api/*', auditChanges(deps, operationOf));
  app.route('/', setupRoutes(deps));
  app.route('/', selfRoutes(deps));
  app.route('/', signInProviderRoutes(deps));
  app.route('/', userRoutes(deps));
  app.route('/', memberRoutes(deps));
  app.route('/', invitationRoutes(deps));
  app.route('/', apiTokenRoutes(deps));
  app.route('/', auditRoutes(deps));
  app.route('/', projectRoutes(deps));
  app.route('/', templateRoutes(deps));
  app.route('/', inventoryRoutes(deps));
  app.route('/', repositoryRoutes(deps));
  app.route('/', keyRoutes(deps));
  app.route('/', environmentRoutes(deps));
  app.route('/', integrationRoutes(deps));
  app.route('/', scheduleRoutes(deps));
  app.route('/', schedulePreviewRoutes(deps));
  app.route('/', fleetRoutes(deps));
  for (const place of [inProjects, inGlobalPool]) {
    app.route('/', runnerRoutes(deps, place));
    app.route('/', runnerActRoutes(deps, place));
  }
  app.route('/', projectRegistrationTokenRoutes(deps));
  app.route('/', globalRegistrationTokenRoutes(deps));
  app.route('/', taskRoutes(deps));
  app.route('/', logRoutes(deps));
  app.route('/', deliveryRoutes(deps));
  app.route('/', costRoutes(deps));
  app.route('/', costHistoryRoutes(deps));
  app.route('/', insightRoutes(deps));
  app.route('/', projectTimelineRoutes(deps));
  app.route('/', globalTimelineRoutes(deps));
  return app;
};
