/** Routes of environments. */
import { filledEnvironment } from '../../core/resources/kept-secrets.ts';
import type { ApiDeps } from '../deps.ts';
import {
  environmentInputSchema,
  environmentSchema,
  environmentUpdateSchema,
  inEnvironment,
} from '../schemas.ts';
import { crudRoutes } from './crud.ts';
import { usersByTemplate } from './references.ts';

export const environmentRoutes = (deps: ApiDeps) =>
  crudRoutes(deps, {
    one: 'environment',
    many: 'environments',
    idParam: 'environmentId',
    params: inEnvironment,
    input: environmentInputSchema,
    update: {
      schema: environmentUpdateSchema,
      fill: async (projectId, id, body) => {
        const kept = await deps.resources.environments.secretsOf(projectId, id);
        return filledEnvironment(body, kept ?? { secrets: {}, secretFiles: {} });
      },
    },
    output: environmentSchema,
    store: deps.resources.environments,
    findUsers: (projectId, id) => usersByTemplate(deps, 'environmentId', projectId, id),
    replaceNote: 'Secrets that are not sent stay as they are; null in place of a value removes one.',
  });
