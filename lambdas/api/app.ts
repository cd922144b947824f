/** The API as a Hono app. It knows neither Lambda nor AWS: the caller passes in every client and store. */

import { methodNotAllowed } from 'hono/method-not-allowed';
import { appendLog } from '../../protocol/endpoints/agent.ts';
import { globalRunners, projectRunners } from '../../protocol/endpoints/runners.ts';
import { authorize } from './authorize.ts';
import { costHistoryRoutes } from './costs/cost-history.ts';
import { costRoutes } from './costs/costs.ts';
import type { ApiDeps, ApiEnv } from './deps.ts';
import type { Document } from './document.ts';
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

  let document: Promise<Document> | undefined;
  const readDocument = (): Promise<Document> => {
    document ??= import('./document.ts').then(({ buildDocument }) =>
      buildDocument(app.described, deps.apiUrl),
    );
    return document;
  };
  // Open to anybody, and to agents with their own tokens …
  app.add(serviceRoutes(deps, readDocument));
  app.add(loginRoutes(deps));
  app.add(oidcRoutes(deps));
  app.add(acceptanceRoutes(deps));
  app.add(registerRoutes(deps));
  app.add(enrollRoutes(deps));
  app.add(bootFailureRoutes(deps));
  app.add(runnerTokenRoutes(deps));
  app.add(sessionRoutes(deps));
  app.add(integrationEventRoutes(deps));
  // … and everything below needs a signed-in person or an API token.
  app.use('/api/*', requirePerson(deps));
  app.use('/api/*', authorize(deps));
  app.use('/api/*', auditChanges(deps));
  app.add(setupRoutes(deps));
  app.add(selfRoutes(deps));
  app.add(signInProviderRoutes(deps));
  app.add(userRoutes(deps));
  app.add(memberRoutes(deps));
  app.add(invitationRoutes(deps));
  app.add(apiTokenRoutes(deps));
  app.add(auditRoutes(deps));
  app.add(projectRoutes(deps));
  app.add(templateRoutes(deps));
  app.add(inventoryRoutes(deps));
  app.add(repositoryRoutes(deps));
  app.add(keyRoutes(deps));
  app.add(environmentRoutes(deps));
  app.add(integrationRoutes(deps));
  app.add(scheduleRoutes(deps));
  app.add(schedulePreviewRoutes(deps));
  app.add(fleetRoutes(deps));
  for (const runners of [projectRunners, globalRunners]) {
    app.add(runnerRoutes(deps, runners));
    app.add(runnerActRoutes(deps, runners));
    app.add(registrationTokenRoutes(deps, runners));
    app.add(timelineRoutes(deps, runners));
  }
  app.add(taskRoutes(deps));
  app.add(logRoutes(deps));
  app.add(deliveryRoutes(deps));
  app.add(costRoutes(deps));
  app.add(costHistoryRoutes(deps));
  app.add(dashboardRoutes(deps));
  return app;
};
