/** The API as a Hono app. It knows neither Lambda nor AWS: the caller passes in every client and store. */

import { methodNotAllowed } from 'hono/method-not-allowed';
import { appendLog } from '../../protocol/endpoints/agent.ts';
import { globalRunners, projectRunners } from '../../protocol/endpoints/runners.ts';
import { authorize } from './authorize.ts';
import { costHistoryRoutes } from './costs/cost-history.ts';
import { costRoutes } from './costs/costs.ts';
import type { ApiDeps, ApiEnv } from './deps.ts';
import { buildDocument, type Document } from './document.ts';
import { fleetRoutes } from './fleets/fleets.ts';
import { requirePerson } from './identify.ts';
import { integrationEventRoutes, integrationRoutes } from './integrations/integrations.ts';
import { answerError, answerNotFound, guardAnswer, limitBody, nameRequest } from './middleware.ts';
import { selfRoutes } from './people/account.ts';
import { apiTokenRoutes } from './people/api-tokens.ts';
import { auditChanges, auditRoutes } from './people/audit.ts';
import { acceptanceRoutes, invitationRoutes } from './people/invitations.ts';
import { loginRoutes, setupRoutes } from './people/login.ts';
import { memberRoutes, userRoutes } from './people/members.ts';
import { oidcRoutes, signInProviderRoutes } from './people/oidc.ts';
import { refuse } from './refuse.ts';
import { environmentRoutes } from './resources/environments.ts';
import { inventoryRoutes } from './resources/inventories.ts';
import { keyRoutes } from './resources/keys.ts';
import { projectRoutes } from './resources/projects.ts';
import { repositoryRoutes } from './resources/repositories.ts';
import { templateRoutes } from './resources/templates.ts';
import { routes } from './route.ts';
import { runnerActRoutes } from './runners/actions.ts';
import { registerRoutes, runnerTokenRoutes, sessionRoutes } from './runners/agent-calls.ts';
import { bootFailureRoutes } from './runners/boot-failure.ts';
import { enrollRoutes } from './runners/enroll.ts';
import { registrationTokenRoutes } from './runners/registration-tokens.ts';
import { runnerRoutes } from './runners/runners.ts';
import { timelineRoutes } from './runners/timeline.ts';
import { schedulePreviewRoutes, scheduleRoutes } from './schedules/schedules.ts';
import { serviceRoutes } from './service-routes.ts';
import { dashboardRoutes } from './tasks/dashboard.ts';
import { logRoutes } from './tasks/logs.ts';
import { taskRoutes } from './tasks/tasks.ts';
import { deliveryRoutes } from './webhooks/deliveries.ts';

/** Chunks of a log may have 3 MiB, when every character is escaped; no other body reaches 1 MiB. */
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
  app.use((c, next) => (c.req.path === appendLog.path ? limits.log : limits.others)(c, next));

  let document: Document | undefined;
  const readDocument = (): Document => {
    document ??= buildDocument(app, deps.apiUrl);
    return document;
  };
  // Open to anybody, and to agents with their own tokens …
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
  // … and everything below needs a signed-in person or an API token.
  app.use('/api/*', requirePerson(deps));
  app.use('/api/*', authorize(deps));
  app.use('/api/*', auditChanges(deps));
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
  for (const runners of [projectRunners, globalRunners]) {
    app.route('/', runnerRoutes(deps, runners));
    app.route('/', runnerActRoutes(deps, runners));
    app.route('/', registrationTokenRoutes(deps, runners));
    app.route('/', timelineRoutes(deps, runners));
  }
  app.route('/', taskRoutes(deps));
  app.route('/', logRoutes(deps));
  app.route('/', deliveryRoutes(deps));
  app.route('/', costRoutes(deps));
  app.route('/', costHistoryRoutes(deps));
  app.route('/', dashboardRoutes(deps));
  return app;
};
