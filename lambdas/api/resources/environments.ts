/** Routes of environments. */
import * as endpoints from '../../../protocol/endpoints/resources.ts';
import { filledEnvironment } from '../../core/resources/kept-secrets.ts';
import type { ApiDeps } from '../deps.ts';
import { crudRoutes } from './crud.ts';
import { usersByTemplate } from './references.ts';

export const environmentRoutes = (deps: ApiDeps) =>
  crudRoutes(deps, {
    endpoints: endpoints.environments,
    fill: async (projectId, id, body) => {
      const kept = await deps.resources.environments.secretsOf(projectId, id);
      return filledEnvironment(body, kept ?? { secrets: {}, secretFiles: {} });
    },
    store: deps.resources.environments,
    findUsers: (projectId, id) => usersByTemplate(deps, 'environmentId', projectId, id),
  });
